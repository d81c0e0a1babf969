/**
 * Percent-encoding and header folding as the signature schemes define them. All strings hold one char per byte (latin1),
 * so bytes that are not ASCII survive unchanged. Every function returns its argument untouched when it is canonical
 * already, the usual case: this runs for each request.
 */

const HEX = '0123456789ABCDEF';

// Unreserved per RFC 3986, the only bytes that SigV4's UriEncode leaves alone.
const UNRESERVED = new Uint8Array(256);
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~') {
  UNRESERVED[char.charCodeAt(0)] = 1;
}

const PERCENT = 0x25;
const PLUS = 0x2b;
const SLASH = 0x2f;

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x41 && code <= 0x46) return code - 0x37;
  if (code >= 0x61 && code <= 0x66) return code - 0x57;
  return -1;
}

/** The byte that the escape at `index` stands for, or -1 if it is no well-formed escape. */
function escapedByte(text: string, index: number): number {
  if (index + 2 >= text.length) return -1;
  const high = hexDigit(text.charCodeAt(index + 1));
  const low = hexDigit(text.charCodeAt(index + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function isCanonical(text: string, keepSlash: boolean): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (UNRESERVED[code] === 1 || (keepSlash && code === SLASH)) continue;
    if (code !== PERCENT) return false;
    const byte = escapedByte(text, i);
    if (byte < 0 || UNRESERVED[byte] === 1 || (keepSlash && byte === SLASH)) return false;
    // Escapes are upper-case in canonical form.
    if (text.charCodeAt(i + 1) > 0x60 || text.charCodeAt(i + 2) > 0x60) return false;
    i += 2;
  }
  return true;
}

function reencode(text: string, options: { keepSlash: boolean; plusIsSpace: boolean }): string {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    let byte = text.charCodeAt(i) & 0xff;
    if (byte === PERCENT) {
      const escaped = escapedByte(text, i);
      if (escaped >= 0) {
        byte = escaped;
        i += 2;
      }
    } else if (byte === PLUS && options.plusIsSpace) {
      byte = 0x20;
    }
    if (UNRESERVED[byte] === 1 || (options.keepSlash && byte === SLASH)) out += String.fromCharCode(byte);
    else out += '%' + HEX.charAt(byte >> 4) + HEX.charAt(byte & 15);
  }
  return out;
}

/** Canonical form of one name or value of a query; '+' counts as a space. */
export function canonicalQueryComponent(text: string): string {
  return isCanonical(text, false) ? text : reencode(text, { keepSlash: false, plusIsSpace: true });
}

/** Canonical form of a path: decoded once and encoded once, slashes kept, never normalised. */
export function canonicalPath(rawPath: string): string {
  if (rawPath === '') return '/';
  return isCanonical(rawPath, true) ? rawPath : reencode(rawPath, { keepSlash: true, plusIsSpace: false });
}

/** Resolves escapes into bytes (latin1 chars); malformed escapes stay as they are. */
export function percentDecode(text: string, options: { plusIsSpace: boolean }): string {
  if (!text.includes('%') && !(options.plusIsSpace && text.includes('+'))) return text;
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const byte = code === PERCENT ? escapedByte(text, i) : -1;
    if (byte >= 0) {
      out += String.fromCharCode(byte);
      i += 2;
    } else {
      out += code === PLUS && options.plusIsSpace ? ' ' : text.charAt(i);
    }
  }
  return out;
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** A header value for SigV4: trimmed, runs of white space collapsed into one space. */
export function canonicalHeaderValue(value: string): string {
  let blankBefore = true;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    const blank = isBlank(code);
    if (blank && (blankBefore || code !== 0x20)) return collapse(value);
    blankBefore = blank;
  }
  return blankBefore && value !== '' ? collapse(value) : value;
}

function collapse(value: string): string {
  return value.replace(/[\t-\r ]+/g, ' ').replace(/^ | $/g, '');
}

/** Turns a latin1 byte string into the text it spells in UTF-8, for error documents. */
export function displayText(byteString: string): string {
  return Buffer.from(byteString, 'latin1').toString('utf8');
}
