/**
 * Reads the XML bodies of S3 requests: a tree of elements in document order with exact text (white space included), behind
 * accessors that turn whatever a schema would refuse into MalformedXML. Namespaces are ignored, as on S3.
 */
import { XMLParser } from 'fast-xml-parser';
import { S3Error } from '../errors.js';
import type { S3ErrorCode } from '../errors.js';
import { decodeReferences, wellFormednessFault } from './well-formed.js';

export interface ParseOptions {
  /** local name the root element must have */
  readonly root: string;
  /** UTF-8 bytes of the document at most (default 1 MiB) */
  readonly maxBytes?: number;
  /** nested elements at most, the root included (default 16) */
  readonly maxDepth?: number;
  /** code of the errors thrown (default MalformedXML) */
  readonly code?: S3ErrorCode;
}

const DEFAULT_MAX_BYTES = 1024 * 1024;
const DEFAULT_MAX_DEPTH = 16;

/** One element. Names are local names: prefixes are dropped. */
export class XmlNode {
  readonly name: string;
  /** The element's own character data, CDATA included, references resolved. */
  readonly content: string;
  /** Child elements in order. */
  readonly elements: readonly XmlNode[];
  readonly #attributes: ReadonlyMap<string, string>;
  readonly #code: S3ErrorCode;

  constructor(parts: {
    readonly name: string;
    readonly content: string;
    readonly elements: readonly XmlNode[];
    readonly attributes: ReadonlyMap<string, string>;
    readonly code: S3ErrorCode;
  }) {
    this.name = parts.name;
    this.content = parts.content;
    this.elements = parts.elements;
    this.#attributes = parts.attributes;
    this.#code = parts.code;
  }

  /** undefined when there is none. @throws MalformedXML when there are several */
  child(name: string): XmlNode | undefined {
    let found: XmlNode | undefined;
    for (const element of this.elements) {
      if (element.name !== name) continue;
      if (found) throw this.fault(`${this.name} has more than one ${name}`);
      found = element;
    }
    return found;
  }

  /** @throws MalformedXML when there is not exactly one */
  requiredChild(name: string): XmlNode {
    const found = this.child(name);
    if (!found) throw this.fault(`${this.name} needs a ${name}`);
    return found;
  }

  /** All of that name, in order. */
  children(name: string): readonly XmlNode[] {
    return this.elements.filter((element) => element.name === name);
  }

  /** Text of the one child of that name, exactly as sent; undefined when there is none. */
  text(name: string): string | undefined {
    return this.child(name)?.ownText();
  }

  /** @throws MalformedXML when the child is missing; it may be empty */
  requiredText(name: string): string {
    return this.requiredChild(name).ownText();
  }

  /** Text of a child that holds one of a few words; undefined when there is none. */
  choice<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw this.fault(`${name} must be one of ${words.join(', ')}`);
    return word;
  }

  /** A child that holds a decimal integer >= 0 that a double holds exactly; undefined when there is none. */
  integer(name: string): number | undefined {
    const text = this.text(name)?.trim();
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value))
      throw this.fault(`${name} must be a non-negative integer`);
    return value;
  }

  /** A child that holds a decimal integer, below zero too, that a double holds exactly; undefined when there is none. */
  signedInteger(name: string): number | undefined {
    const text = this.text(name)?.trim();
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^[+-]?\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) throw this.fault(`${name} must be an integer`);
    return value;
  }

  /** A child that holds true or false (XML Schema also has 1 and 0; SDKs write both cases). */
  boolean(name: string): boolean | undefined {
    const text = this.text(name)?.trim().toLowerCase();
    if (text === undefined) return undefined;
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return false;
    throw this.fault(`${name} must be true or false`);
  }

  /** By local name ('type' finds xsi:type); undefined when there is none. */
  attribute(name: string): string | undefined {
    return this.#attributes.get(name);
  }

  /** The element's text. @throws MalformedXML when it has child elements */
  ownText(): string {
    if (this.elements.length > 0) throw this.fault(`${this.name} must hold text only`);
    return this.content;
  }

  /** @throws MalformedXML for child elements of other names and for text between them */
  allowOnly(...names: readonly string[]): void {
    for (const element of this.elements)
      if (!names.includes(element.name)) throw this.fault(`${element.name} is not expected in ${this.name}`);
    if (/[^ \t\r\n]/.test(this.content)) throw this.fault(`${this.name} must not hold text`);
  }

  /** The error for a document that is well-formed but not what the schema says. */
  fault(reason: string): S3Error {
    return malformed(this.#code, reason);
  }
}

/** @throws S3Error MalformedXML (or options.code); MaxMessageLengthExceeded above maxBytes */
export function parseXml(text: Buffer | string, options: ParseOptions): XmlNode {
  const code = options.code ?? 'MalformedXML';
  const sizeBytes = typeof text === 'string' ? Buffer.byteLength(text) : text.length;
  if (sizeBytes > (options.maxBytes ?? DEFAULT_MAX_BYTES)) throw new S3Error('MaxMessageLengthExceeded');
  const maxDepth = options.maxDepth ?? DEFAULT_MAX_DEPTH;
  const source = decodeText(text, code);
  const fault = wellFormednessFault(source, { maxDepth });
  if (fault !== null) throw malformed(code, fault);
  let parsed: unknown;
  try {
    parsed = createParser(maxDepth).parse(source);
  } catch (cause) {
    throw malformed(code, 'it cannot be parsed', cause);
  }
  const root = readNodes(parsed, code).elements[0];
  if (root?.name !== options.root) throw malformed(code, `its root element must be ${options.root}`);
  return root;
}

function malformed(code: S3ErrorCode, reason: string, cause?: unknown): S3Error {
  return new S3Error(code, {
    message: `The XML you provided was not well-formed or did not validate against our published schema: ${reason}.`,
    cause,
  });
}

function decodeText(text: Buffer | string, code: S3ErrorCode): string {
  if (typeof text === 'string') return text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    // A byte order mark is dropped by the decoder.
    return new TextDecoder('utf-8', { fatal: true }).decode(text);
  } catch (cause) {
    throw malformed(code, 'it is not UTF-8', cause);
  }
}

const TEXT = '#text';
const CDATA = '#cdata';
const ATTRIBUTES = ':@';

/** References stay unresolved here: only after CDATA is told from text is it known which ampersands are references. */
function createParser(maxDepth: number): XMLParser {
  return new XMLParser({
    preserveOrder: true,
    removeNSPrefix: true,
    ignoreAttributes: false,
    attributeNamePrefix: '',
    textNodeName: TEXT,
    cdataPropName: CDATA,
    trimValues: false,
    parseTagValue: false,
    parseAttributeValue: false,
    processEntities: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
    jPath: false,
    maxNestedTags: maxDepth + 1,
  });
}

/** fast-xml-parser's ordered form: [{ name: [nodes], ':@': { attribute: value } }, { '#text': text }]. */
function readNodes(nodes: unknown, code: S3ErrorCode): { content: string; elements: XmlNode[] } {
  let content = '';
  const elements: XmlNode[] = [];
  if (!Array.isArray(nodes)) return { content, elements };
  for (const node of nodes as Readonly<Record<string, unknown>>[]) {
    for (const name of Object.keys(node)) {
      const value = node[name];
      if (name === TEXT) content += decodeReferences(String(value));
      else if (name === CDATA) content += rawText(value);
      else if (name !== ATTRIBUTES)
        elements.push(
          new XmlNode({ name, code, attributes: readAttributes(node[ATTRIBUTES]), ...readNodes(value, code) }),
        );
    }
  }
  return { content, elements };
}

function rawText(nodes: unknown): string {
  if (!Array.isArray(nodes)) return '';
  return (nodes as Readonly<Record<string, unknown>>[])
    .map(({ [TEXT]: text }) => (typeof text === 'string' ? text : ''))
    .join('');
}

const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();

function readAttributes(attributes: unknown): ReadonlyMap<string, string> {
  if (typeof attributes !== 'object' || attributes === null) return NO_ATTRIBUTES;
  return new Map(
    // White space in attribute values counts as spaces (XML 1.0 section 3.3.3), unless it was a reference.
    Object.entries(attributes).map(([name, value]) => [name, decodeReferences(String(value).replace(/[\t\n]/g, ' '))]),
  );
}
