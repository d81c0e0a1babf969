/**
 * The messages of the answer: application/vnd.amazon.eventstream.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
 */
import { crc32 } from '@node-rs/crc32';
import type { Progress } from './bytes.js';

export const EVENT_STREAM_TYPE = 'application/vnd.amazon.eventstream';
/** Payload of a message at most. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024;

const PRELUDE_BYTES = 12;
const CRC_BYTES = 4;
const STRING_TYPE = 7;
const NOTHING = Buffer.alloc(0);

/**
 * Lengths of message and headers, their CRC32; headers; payload; CRC32 of all before.
 * @param headers names of at most 255 bytes, values of at most 65,535
 */
export function message(headers: Readonly<Record<string, string>>, payload: Buffer): Buffer {
  const encoded = Buffer.concat(Object.entries(headers).map(([name, value]) => header(name, value)));
  const totalBytes = PRELUDE_BYTES + encoded.length + payload.length + CRC_BYTES;
  const bytes = Buffer.allocUnsafe(totalBytes);
  bytes.writeUInt32BE(totalBytes, 0);
  bytes.writeUInt32BE(encoded.length, 4);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8);
  encoded.copy(bytes, PRELUDE_BYTES);
  payload.copy(bytes, PRELUDE_BYTES + encoded.length);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, totalBytes - CRC_BYTES)), totalBytes - CRC_BYTES);
  return bytes;
}

function header(name: string, value: string): Buffer {
  const nameBytes = Buffer.from(name);
  const valueBytes = Buffer.from(value);
  const bytes = Buffer.allocUnsafe(nameBytes.length + valueBytes.length + 4);
  let offset = bytes.writeUInt8(nameBytes.length, 0);
  offset += nameBytes.copy(bytes, offset);
  offset = bytes.writeUInt8(STRING_TYPE, offset);
  offset = bytes.writeUInt16BE(valueBytes.length, offset);
  valueBytes.copy(bytes, offset);
  return bytes;
}

function event(type: string, contentType: string | null, payload: Buffer): Buffer {
  const headers = { ':event-type': type, ...(contentType === null ? {} : { ':content-type': contentType }) };
  return message({ ':message-type': 'event', ...headers }, payload);
}

/** Results. A record may go on in the next message. @param payload at most MAX_PAYLOAD_BYTES */
export function recordsMessage(payload: Buffer): Buffer {
  return event('Records', 'application/octet-stream', payload);
}

/** Keeps the connection from looking dead. */
export function continuationMessage(): Buffer {
  return event('Cont', null, NOTHING);
}

export function progressMessage(kind: 'Progress' | 'Stats', { scanned, processed, returned }: Progress): Buffer {
  const content = `<BytesScanned>${scanned}</BytesScanned><BytesProcessed>${processed}</BytesProcessed><BytesReturned>${returned}</BytesReturned>`;
  const document = `<?xml version="1.0" encoding="UTF-8"?><${kind}>${content}</${kind}>`;
  return event(kind, 'text/xml', Buffer.from(document));
}

/** The result is complete: an answer without it was cut off. */
export function endMessage(): Buffer {
  return event('End', null, NOTHING);
}

/** Ends an answer whose status was sent already. */
export function errorMessage(code: string, text: string): Buffer {
  return message({ ':error-code': code, ':error-message': text.slice(0, 10_000), ':message-type': 'error' }, NOTHING);
}
