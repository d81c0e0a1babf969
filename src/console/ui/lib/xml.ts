/** Reading and writing the XML of S3 and IAM. */

/** An element by the names of its children; what is not there reads as empty. */
export class Xml {
  readonly #element: Element | null;

  constructor(element: Element | null) {
    this.#element = element;
  }

  /** null: not XML */
  static parse(text: string): Xml | null {
    const { documentElement } = new DOMParser().parseFromString(text, 'application/xml');
    return documentElement.getElementsByTagName('parsererror').length > 0 || documentElement.nodeName === 'parsererror'
      ? null
      : new Xml(documentElement);
  }

  get present(): boolean {
    return this.#element !== null;
  }

  get name(): string {
    return this.#element?.localName ?? '';
  }

  /** Of the element itself. */
  get value(): string {
    return this.#element?.textContent ?? '';
  }

  /** All children, or those of a name. */
  all(name?: string): Xml[] {
    const children = [...(this.#element?.children ?? [])];
    return children.filter((child) => name === undefined || child.localName === name).map((child) => new Xml(child));
  }

  /** The first child of that name, and of that child and so on. */
  at(...names: readonly string[]): Xml {
    let element = this.#element;
    for (const name of names)
      element = [...(element?.children ?? [])].find((child) => child.localName === name) ?? null;
    return new Xml(element);
  }

  /** Text at a path; '' where there is none. */
  text(...names: readonly string[]): string {
    return this.at(...names).value;
  }

  /** null where there is none. */
  optional(...names: readonly string[]): string | null {
    const found = this.at(...names);
    return found.present ? found.value : null;
  }

  number(...names: readonly string[]): number {
    return Number(this.text(...names));
  }

  attribute(name: string): string {
    const found = [...(this.#element?.attributes ?? [])].find((one) => one.localName === name);
    return found?.value ?? '';
  }
}

export type XmlContent =
  string | number | boolean | null | undefined | readonly XmlContent[] | { readonly xml: string };

/** An element; null and undefined content leave it out. Strings are escaped; elements made here are not, again. */
export function el(name: string, content: XmlContent): { readonly xml: string } {
  if (content === null || content === undefined) return { xml: '' };
  return { xml: `<${name}>${inner(content)}</${name}>` };
}

function inner(content: XmlContent): string {
  if (content === null || content === undefined) return '';
  if (typeof content === 'object') {
    if ('xml' in content) return content.xml;
    return content.map(inner).join('');
  }
  return escapeXml(String(content));
}

/** A document of S3's namespace. */
export function xmlDocument(root: string, content: XmlContent): string {
  return `<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner(content)}</${root}>`;
}

// Line breaks of any kind would be changed by the reader.
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

export function escapeXml(text: string): string {
  return text.replace(/[&<>"\r]/g, (c) => ESCAPES[c] ?? c);
}
