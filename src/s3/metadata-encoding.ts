/**
 * User metadata that is not plain ASCII. S3 takes UTF-8, and encoded words of RFC 2047, and always answers encoded words; values
 * (and names) that no header can carry are only counted. Values are kept as byte strings, as they lie on the wire. Pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata
 */

const META_PREFIX = 'x-amz-meta-';
const MISSING = 'x-amz-missing-meta';

/** What a header field can hold as it is (RFC 9110 section 5.5, without the bytes above ASCII). */
const PLAIN = /^[\t -~]*$/;
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** One encoded word may have 75 characters (RFC 2047 section 2); these stand around its text. */
const WORD_START = '=?UTF-8?';
const WORD_TEXT = 75 - `${WORD_START}Q??=`.length;

/** '=?charset?B or Q?text?=' */
const WORD = /=\?([A-Za-z0-9_-]+)(?:\*[A-Za-z0-9-]+)?\?([BbQq])\?([!->@-~]*)\?=/;
/** White space between two encoded words is not part of the text (RFC 2047 section 6.2). */
const BETWEEN_WORDS = /(\?=)[\t ]+(?==\?)/g;

/** A value as a client sent it -> as it is kept: encoded words that can be read become the UTF-8 they stand for. */
export function storedMetadataValue(sent: string): string {
  if (!WORD.test(sent)) return sent;
  const parts = sent.replace(BETWEEN_WORDS, '$1').split(new RegExp(WORD.source, 'g'));
  let text = parts[0] ?? '';
  for (let at = 1; at < parts.length; at += 4) {
    const [charset = '', encoding = '', word = '', after = ''] = parts.slice(at, at + 4);
    const decoded = decodeWord(charset, encoding, word);
    if (decoded === null) return sent;
    text += decoded + after;
  }
  return text;
}

/** UTF-8 as a byte string; null when it is no text of that charset. */
function decodeWord(charset: string, encoding: string, word: string): string | null {
  const bytes =
    encoding.toUpperCase() === 'B'
      ? Buffer.from(word, 'base64')
      : Buffer.from(
          word
            .replaceAll('_', ' ')
            .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
          'latin1',
        );
  try {
    return Buffer.from(new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(bytes)).toString('latin1');
  } catch {
    return null;
  }
}

/** Stored headers -> those of an answer. */
export function answeredMetadata(stored: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = {};
  let missing = 0;
  for (const [name, value] of Object.entries(stored)) {
    if (!name.startsWith(META_PREFIX)) headers[name] = value;
    else if (CONTROL.test(value) || !TOKEN.test(name)) missing += 1;
    else headers[name] = PLAIN.test(value) ? value : encodedWords(textOf(value));
  }
  if (missing > 0) headers[MISSING] = String(missing);
  return headers;
}

/** The text of a byte string: UTF-8, else one character per byte. */
function textOf(value: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

/** Base64 where most characters are not ASCII, else quoted: what is shorter, and readable where it can be. */
function encodedWords(text: string): string {
  const characters = Array.from(text);
  const plain = characters.filter((character) => character <= '~').length;
  const encoding = plain * 2 > characters.length ? 'Q' : 'B';
  const words: string[] = [];
  let word = '';
  for (const character of characters) {
    // A character is never cut in two.
    if (word !== '' && encode(word + character, encoding).length > WORD_TEXT) {
      words.push(encode(word, encoding));
      word = '';
    }
    word += character;
  }
  words.push(encode(word, encoding));
  return words.map((encoded) => `${WORD_START}${encoding}?${encoded}?=`).join(' ');
}

function encode(text: string, encoding: 'B' | 'Q'): string {
  const bytes = Buffer.from(text);
  if (encoding === 'B') return bytes.toString('base64');
  return Array.from(bytes, quoted).join('');
}

/** Letters, digits and what may stand in a phrase for itself (RFC 2047 section 5). */
function quoted(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === ' ') return '_';
  if (/[A-Za-z0-9!*+/-]/.test(character)) return character;
  return `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
