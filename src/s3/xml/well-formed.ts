/**
 * Decides whether a document is well-formed XML 1.0 of the plain kind that S3 clients send: UTF-8, no DOCTYPE, no entities but
 * the five predefined ones and character references. fast-xml-parser builds trees out of nearly anything (mismatched tags,
 * two roots, open comments), so this runs before it, and whatever passes has one meaning only.
 */

export interface Limits {
  /** nested elements at most; the root is depth 1 */
  readonly maxDepth: number;
}

const NAME = '[A-Za-z_\\u00C0-\\uFFFD][A-Za-z0-9_.\\-\\u00B7\\u00C0-\\uFFFD]*';
const QUALIFIED_NAME = `${NAME}(?::${NAME})?`;
const ATTRIBUTE = `\\s+(?:${QUALIFIED_NAME})\\s*=\\s*(?:"[^"<]*"|'[^'<]*')`;
const START_TAG = new RegExp(`<(${QUALIFIED_NAME})((?:${ATTRIBUTE})*)\\s*(/?)>`, 'y');
const END_TAG = new RegExp(`</(${QUALIFIED_NAME})\\s*>`, 'y');
const ATTRIBUTES = new RegExp(`(${QUALIFIED_NAME})\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'g');
const INSTRUCTION = new RegExp(`<\\?(${NAME})(?:\\s[^]*?)?\\?>`, 'y');
const DECLARATION =
  /<\?xml\s+version\s*=\s*(?:"1\.\d"|'1\.\d')(?:\s+encoding\s*=\s*(?:"([\w.-]+)"|'([\w.-]+)'))?(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>/y;
const ENCODINGS = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii']);
const FORBIDDEN_CHARACTER = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;
const NOT_WHITE_SPACE = /[^ \t\r\n]/;
const REFERENCE = /&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));/y;

/** null when text is well-formed and within the limits; otherwise what is wrong, in words for the client. */
export function wellFormednessFault(text: string, limits: Limits): string | null {
  if (FORBIDDEN_CHARACTER.test(text)) return 'it contains a character that XML does not allow';
  const open: string[] = [];
  let rootSeen = false;
  let at = 0;
  if (/^<\?xml\s/.test(text)) {
    const declaration = matchAt(DECLARATION, text, 0);
    if (!declaration) return 'its XML declaration is not valid';
    const encoding = (declaration[1] ?? declaration[2] ?? 'utf-8').toLowerCase();
    if (!ENCODINGS.has(encoding)) return 'its encoding must be UTF-8';
    at = declaration[0].length;
  }
  while (at < text.length) {
    if (text.charCodeAt(at) !== 0x3c) {
      const end = nextOr(text, '<', at, text.length);
      const fault = textFault(text.slice(at, end), open.length);
      if (fault !== null) return fault;
      at = end;
      continue;
    }
    const token = readMarkup(text, at, open);
    if (typeof token === 'string') return token;
    if (token.kind === 'open' || token.kind === 'empty') {
      if (open.length === 0 && rootSeen) return 'it has more than one root element';
      rootSeen = true;
      if (open.length >= limits.maxDepth) return 'its elements are nested too deeply';
      if (token.kind === 'open') open.push(token.name);
    } else if (token.kind === 'close') {
      open.pop();
    }
    at += token.length;
  }
  if (open.length > 0) return `element ${open[open.length - 1] ?? ''} is not closed`;
  return rootSeen ? null : 'it has no root element';
}

/** Resolves the references of text that is well-formed. */
export function decodeReferences(text: string): string {
  return text.includes('&') ? text.replace(/&[^;]+;/g, decodeReference) : text;
}

function decodeReference(reference: string): string {
  switch (reference) {
    case '&amp;':
      return '&';
    case '&lt;':
      return '<';
    case '&gt;':
      return '>';
    case '&quot;':
      return '"';
    case '&apos;':
      return "'";
    default:
      return String.fromCodePoint(
        reference.startsWith('&#x') ? parseInt(reference.slice(3, -1), 16) : Number(reference.slice(2, -1)),
      );
  }
}

type Markup =
  | { readonly kind: 'open' | 'empty'; readonly name: string; readonly length: number }
  | { readonly kind: 'close' | 'other'; readonly length: number };

/** The tag, comment, CDATA section or instruction at a '<'; a string says what is wrong with it. */
function readMarkup(text: string, at: number, open: readonly string[]): Markup | string {
  const second = text.charAt(at + 1);
  if (second === '/') {
    const tag = matchAt(END_TAG, text, at);
    if (!tag) return 'it has an end tag that is not valid';
    const expected = open[open.length - 1];
    if (tag[1] !== expected) return `it has an end tag ${tag[1] ?? ''} where ${expected ?? 'none'} is expected`;
    return { kind: 'close', length: tag[0].length };
  }
  if (second === '?') {
    const instruction = matchAt(INSTRUCTION, text, at);
    if (!instruction || instruction[1]?.toLowerCase() === 'xml') return 'it has a misplaced processing instruction';
    return { kind: 'other', length: instruction[0].length };
  }
  if (text.startsWith('<!--', at)) {
    const dashes = text.indexOf('--', at + 4);
    if (dashes < 0 || text.charAt(dashes + 2) !== '>') return 'it has a comment that is not valid';
    return { kind: 'other', length: dashes + 3 - at };
  }
  if (text.startsWith('<![CDATA[', at)) {
    const end = text.indexOf(']]>', at + 9);
    if (end < 0 || open.length === 0) return 'it has a misplaced CDATA section';
    return { kind: 'other', length: end + 3 - at };
  }
  if (second === '!') return 'document type declarations are not accepted';
  const tag = matchAt(START_TAG, text, at);
  if (!tag) return 'it has a start tag that is not valid';
  const [whole, name = '', attributes = '', slash] = tag;
  const fault = attributes === '' ? null : attributesFault(attributes);
  return fault ?? { kind: slash === '/' ? 'empty' : 'open', name, length: whole.length };
}

function textFault(text: string, depth: number): string | null {
  if (depth === 0) return NOT_WHITE_SPACE.test(text) ? 'it has text outside of its root element' : null;
  if (text.includes(']]>')) return 'it has a ]]> outside of a CDATA section';
  return referencesFault(text);
}

function attributesFault(attributes: string): string | null {
  const names = new Set<string>();
  for (const [, name = '', double, single] of attributes.matchAll(ATTRIBUTES)) {
    if (names.has(name)) return `attribute ${name} is repeated`;
    names.add(name);
    const fault = referencesFault(double ?? single ?? '');
    if (fault !== null) return fault;
  }
  return null;
}

function referencesFault(text: string): string | null {
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) {
    const reference = matchAt(REFERENCE, text, at);
    if (!reference) return 'it has an entity that is not predefined in XML, or a bare &';
    if (reference[1] !== undefined) continue;
    const code = reference[2] === undefined ? parseInt(reference[3] ?? '', 16) : Number(reference[2]);
    if (code > 0x10ffff || FORBIDDEN_CHARACTER.test(String.fromCodePoint(code)))
      return 'it has a reference to a character that XML does not allow';
  }
  return null;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function nextOr(text: string, search: string, from: number, otherwise: number): number {
  const at = text.indexOf(search, from);
  return at < 0 ? otherwise : at;
}
