// Ways to bend what is well-formed.
import type { Random } from '../support/random.js';
import type { Seed } from './seeds.js';

/** Text that has broken parsers before. */
const NASTY = [
  '',
  ' ',
  '0',
  '-1',
  '1e9',
  '99999999999999999999',
  'NaN',
  'null',
  'true',
  '__proto__',
  'constructor',
  '..',
  '../../../etc/passwd',
  '%00',
  '%',
  '%zz',
  '%c0%af',
  '%ff%fe',
  '+',
  '*',
  '"',
  "'",
  '<',
  '&amp;',
  '\\',
  '${jndi:x}',
  'a'.repeat(300),
  'a'.repeat(1025),
  'é',
  '\u00ff\u00fe',
  '=?UTF-8?B?w6k=?=',
  '2026-13-45T99:99:99Z',
  'Thu, 01 Jan 1970 00:00:00 GMT',
  'bytes=-',
  'bytes=5-2',
  'bytes=0-18446744073709551615',
  'bytes=0-1,3-4',
  'arn:aws:s3:::',
  '::ffff:127.0.0.1',
] as const;

const HEADERS = [
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'content-md5',
  'content-encoding',
  'content-type',
  'content-language',
  'expires',
  'x-amz-acl',
  'x-amz-grant-read',
  'x-amz-grant-full-control',
  'x-amz-meta-a',
  'x-amz-tagging',
  'x-amz-storage-class',
  'x-amz-website-redirect-location',
  'x-amz-copy-source',
  'x-amz-copy-source-range',
  'x-amz-copy-source-if-match',
  'x-amz-copy-source-if-modified-since',
  'x-amz-metadata-directive',
  'x-amz-tagging-directive',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-context',
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-server-side-encryption-customer-key',
  'x-amz-server-side-encryption-customer-key-md5',
  'x-amz-checksum-algorithm',
  'x-amz-checksum-type',
  'x-amz-checksum-crc32',
  'x-amz-checksum-crc64nvme',
  'x-amz-checksum-sha256',
  'x-amz-checksum-mode',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-trailer',
  'x-amz-decoded-content-length',
  'x-amz-object-lock-mode',
  'x-amz-object-lock-retain-until-date',
  'x-amz-object-lock-legal-hold',
  'x-amz-bypass-governance-retention',
  'x-amz-mfa',
  'x-amz-request-payer',
  'x-amz-expected-bucket-owner',
  'x-amz-write-offset-bytes',
  'x-amz-mp-object-size',
  'x-amz-object-attributes',
  'x-amz-max-parts',
  'x-amz-part-number-marker',
  'x-amz-bucket-object-lock-enabled',
  'x-amz-object-ownership',
  'x-amz-masquerade-tenant',
  'x-amz-security-token',
  'x-forwarded-for',
  'traceparent',
  'origin',
  'access-control-request-method',
  'expect',
  'te',
  'upgrade',
  'accept-encoding',
] as const;

const PARAMETERS = [
  'versionId',
  'partNumber',
  'uploadId',
  'max-keys',
  'max-parts',
  'max-uploads',
  'max-buckets',
  'marker',
  'prefix',
  'delimiter',
  'encoding-type',
  'list-type',
  'start-after',
  'continuation-token',
  'key-marker',
  'version-id-marker',
  'upload-id-marker',
  'response-content-type',
  'response-expires',
  'id',
  'select',
  'select-type',
  'uploads',
  'versions',
  'acl',
  'tagging',
  'policy',
  'delete',
  'restore',
  'torrent',
  'attributes',
  'x-id',
  'X-Amz-Expires',
  'X-Amz-Date',
  'Signature',
  'Expires',
  'AWSAccessKeyId',
] as const;

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH'] as const;

export function nasty(random: Random): string {
  return random.pick(NASTY);
}

/** Bytes changed, cut, doubled or put in, in a few places. */
export function bentBytes(random: Random, bytes: Buffer): Buffer {
  let bent = Buffer.from(bytes);
  for (let times = random.integer(1, 4); times > 0; times--) {
    const at = random.integer(0, bent.length + 1);
    const length = random.integer(0, Math.min(24, bent.length - at) + 1);
    const before = bent.subarray(0, at);
    const piece = bent.subarray(at, at + length);
    const after = bent.subarray(at + length);
    const other = random.chance(0.5)
      ? Buffer.from(nasty(random), 'latin1')
      : Buffer.from(Array.from({ length: random.integer(1, 8) }, () => random.integer(0, 256)));
    const middles = [[], [other], [piece, other], [piece, piece], [piece, piece, piece, piece]];
    bent = Buffer.concat([before, ...random.pick(middles), after]);
  }
  return bent;
}

/** An XML document (or JSON, or a form) that is wrong in its own terms. */
export function bentDocument(random: Random, document: Buffer): Buffer {
  const text = document.toString('latin1');
  const values = [...text.matchAll(/>([^<>]+)</g)];
  const tags = [...text.matchAll(/<(\/?)([A-Za-z]+)[^>]*>/g)];
  const latin1 = (bent: string): Buffer => Buffer.from(bent, 'latin1');
  const value = values.length > 0 ? random.pick(values) : null;
  const tag = tags.length > 0 ? random.pick(tags) : null;
  switch (random.integer(0, 9)) {
    case 0:
      return value === null
        ? bentBytes(random, document)
        : latin1(replacedAt(text, value.index + 1, value[1] ?? '', nasty(random)));
    case 1:
      return tag === null ? bentBytes(random, document) : latin1(replacedAt(text, tag.index, tag[0], ''));
    case 2:
      return tag === null ? bentBytes(random, document) : latin1(replacedAt(text, tag.index, tag[0], tag[0] + tag[0]));
    case 3:
      return latin1(
        `<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z SYSTEM "file:///etc/passwd">]>${text.replace(/>[^<]+</, '>&x;&z;<')}`,
      );
    case 4:
      return latin1('<a>'.repeat(random.integer(1, 5000)) + text);
    case 5:
      return latin1(
        text.replace(/(<Rule>.*<\/Rule>|<Tag>.*<\/Tag>|<Object>.*<\/Object>|<Part>.*<\/Part>)/s, (one) =>
          one.repeat(random.integer(2, 1500)),
        ),
      );
    case 6:
      return Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(text, 'utf16le')]);
    case 7:
      return latin1(text.slice(0, random.integer(0, text.length + 1)));
    default:
      return bentBytes(random, document);
  }
}

function replacedAt(text: string, at: number, piece: string, other: string): string {
  return text.slice(0, at) + other + text.slice(at + piece.length);
}

/** Another request near the seed. What comes out can be signed and sent. */
export function bentSeed(random: Random, seed: Seed): Seed {
  let bent = seed;
  for (let times = random.integer(1, 4); times > 0; times--) bent = bentOnce(random, bent);
  return bent;
}

function bentOnce(random: Random, seed: Seed): Seed {
  const encoded = encodedFully(nasty(random));
  switch (random.integer(0, 8)) {
    case 0:
      return { ...seed, method: random.pick(METHODS) };
    case 1:
      return { ...seed, headers: { ...seed.headers, [random.pick(HEADERS)]: headerText(nasty(random)) } };
    case 2: {
      const [name] = random.pick(Object.entries(seed.headers).concat([['x-amz-meta-b', '']]));
      return { ...seed, headers: { ...seed.headers, [name]: headerText(nasty(random)) } };
    }
    case 3:
      return { ...seed, query: joined(seed.query, `${random.pick(PARAMETERS)}=${encoded}`) };
    case 4:
      return { ...seed, query: seed.query.replace(/=[^&]*/, `=${encoded}`) };
    case 5: {
      const parts = seed.path.split('/');
      parts[random.integer(1, parts.length)] = encoded;
      return { ...seed, path: parts.join('/') };
    }
    case 6:
      return { ...seed, path: `${seed.path}/${encoded.repeat(random.integer(1, 4))}` };
    default:
      return seed.body === null
        ? { ...seed, body: Buffer.from(nasty(random), 'latin1') }
        : { ...seed, body: bentDocument(random, seed.body) };
  }
}

/** As signatures want it: the characters that encodeURIComponent leaves alone too. */
function encodedFully(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

function joined(query: string, parameter: string): string {
  return query === '' ? parameter : `${query}&${parameter}`;
}

/** What can stand in a header without ending it. */
function headerText(text: string): string {
  return text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '');
}
