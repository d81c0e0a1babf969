/** Writes XML: string functions, because a listing of 1,000 keys is written at once and often. */

export const S3_NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

const SPECIAL = /[&<>"\u0000-\u001F\u007F-\u009F\uFFFE\uFFFF]/;
const ALL_SPECIAL = /[&<>"\u0000-\u001F\u007F-\u009F\uFFFE\uFFFF]/g;

const NAMED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
};

/**
 * For text and attribute values. Line breaks and control characters become numeric references, so that no reader
 * normalises or trims them away. Characters that XML 1.0 has no form for (U+0001, ...) become references all the same, as
 * on S3: a strict reader fails instead of taking another key for this one. Clients that have such keys ask for encoding-type=url.
 */
export function escapeXml(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return text.replace(
    ALL_SPECIAL,
    (character) => NAMED[character] ?? `&#x${character.charCodeAt(0).toString(16).toUpperCase()};`,
  );
}

/** <name>value</name>, escaped. */
export function element(name: string, value: string | number | boolean): string {
  return `<${name}>${typeof value === 'string' ? escapeXml(value) : String(value)}</${name}>`;
}

/** '' when there is no value: S3 leaves such elements out. */
export function optional(name: string, value: string | number | boolean | null | undefined): string {
  return value === null || value === undefined ? '' : element(name, value);
}

/** <name>content</name>; content is XML already. */
export function parent(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

/** A whole document; content is XML already. xmlns: S3's namespace on the root, which every document but Error and PostResponse has. */
export function xmlDocument(
  root: string,
  content: string,
  options: { readonly xmlns: boolean } = { xmlns: true },
): string {
  const open = options.xmlns ? `<${root} xmlns="${S3_NAMESPACE}"` : `<${root}`;
  return content === '' ? `${DECLARATION}${open}/>` : `${DECLARATION}${open}>${content}</${root}>`;
}
