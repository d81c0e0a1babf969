/**
 * The metadata map of an object of the original Pithos -> the headers kept with an object here. Pure.
 */
import { storedMetadataValue } from '../s3/metadata-encoding.js';
import type { Translated } from './old-documents.js';

const KEPT: ReadonlySet<string> = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
]);
const USER = /^x-amz-meta-[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** What the original answers for an object that was written without one. */
const ORIGINAL_CONTENT_TYPE = 'application/binary';

/** Headers as byte strings, which is how they lie on the wire. */
export function translateHeaders(metadata: Readonly<Record<string, string>>): {
  readonly value: Readonly<Record<string, string>>;
  readonly notes: Translated<unknown>['notes'];
} {
  const value: Record<string, string> = { 'content-type': ORIGINAL_CONTENT_TYPE };
  const notes: string[] = [];
  for (const [given, text] of Object.entries(metadata)) {
    const name = given.toLowerCase();
    if (KEPT.has(name)) {
      const bytes = byteString(text);
      if (isSendable(bytes)) {
        if (bytes !== '') value[name] = bytes;
      } else notes.push(`${name} holds what no header can: left out`);
    } else if (USER.test(name)) value[name] = storedMetadataValue(byteString(text));
    else notes.push(`metadata '${given}' is no header of an object: left out`);
  }
  return { value, notes };
}

/**
 * The original kept values as its HTTP server had decoded them, byte by byte or as UTF-8. Characters beyond a byte are certainly
 * decoded text; the others are bytes already.
 */
function byteString(text: string): string {
  return /[^\u0000-\u00ff]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

function isSendable(bytes: string): boolean {
  return !/[\u0000-\u0008\u000a-\u001f\u007f]/.test(bytes);
}
