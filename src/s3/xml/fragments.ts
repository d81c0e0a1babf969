/** Pieces that several documents share. */
import type { ObjectChecksum, Owner } from '../../store/types.js';
import { element, parent } from './build.js';
import type { EncodingType } from './url-encoding.js';
import { encodeListed } from './url-encoding.js';

/** checksum algorithm ('CRC32', 'SHA256', ...) -> base64 */
export type Checksums = Readonly<Record<string, string>>;

export function ownerElement(name: 'Owner' | 'Initiator', owner: Owner): string {
  return parent(name, element('ID', owner.id) + element('DisplayName', owner.displayName));
}

/** ownerElement that remembers its last result: the entries of a listing nearly always have one owner. */
export function ownerWriter(name: 'Owner' | 'Initiator'): (owner: Owner) => string {
  let id: string | null = null;
  let displayName = '';
  let written = '';
  return (owner) => {
    if (owner.id !== id || owner.displayName !== displayName) {
      written = ownerElement(name, owner);
      ({ id, displayName } = owner);
    }
    return written;
  };
}

/** ETag as S3 writes it into XML: quoted, the quotes escaped. */
export function etagElement(etag: string): string {
  return element('ETag', `"${etag}"`);
}

/** <ChecksumCRC32>...</ChecksumCRC32>, one per algorithm. */
export function checksumElements(checksums: Checksums): string {
  return Object.entries(checksums)
    .map(([algorithm, value]) => element(`Checksum${algorithm}`, value))
    .join('');
}

/** The checksum of a whole object and its type. */
export function objectChecksumElements(checksum: ObjectChecksum): string {
  return element(`Checksum${checksum.algorithm}`, checksum.value) + element('ChecksumType', checksum.type);
}

export function commonPrefixElements(prefixes: readonly string[], encodingType: EncodingType): string {
  let xml = '';
  for (const prefix of prefixes) xml += parent('CommonPrefixes', element('Prefix', encodeListed(prefix, encodingType)));
  return xml;
}

/** An entity tag without the quotes clients may or may not send around it. */
export function unquoteEtag(text: string): string {
  const trimmed = text.trim();
  return trimmed.length >= 2 && trimmed.startsWith('"') && trimmed.endsWith('"') ? trimmed.slice(1, -1) : trimmed;
}
