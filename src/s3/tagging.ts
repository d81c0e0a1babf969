/**
 * Tags of objects and buckets: the x-amz-tagging header and the rules for tag sets.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
 */
import { S3Error, invalidArgument } from './errors.js';

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** key -> value; how they are stored */
export type Tags = Readonly<Record<string, string>>;

export type TagTarget = 'object' | 'bucket';

export const MAX_TAGS: Readonly<Record<TagTarget, number>> = { object: 10, bucket: 50 };

/** UTF-16 code units, as S3 counts. */
const MAX_KEY_LENGTH = 128;
const MAX_VALUE_LENGTH = 256;

/** Letters, numbers and spaces of any script, and _ . : / = + - @ */
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/**
 * Checks a tag set and turns it into its stored form.
 * @throws S3Error InvalidTag (the code PutObjectTagging documents, also where AWS is seen to answer BadRequest)
 */
export function checkTags(tags: readonly Tag[], target: TagTarget): Record<string, string> {
  if (tags.length > MAX_TAGS[target])
    throw new S3Error('InvalidTag', {
      message:
        target === 'object' ? 'Object tags cannot be greater than 10' : 'Bucket tag count cannot be greater than 50',
    });
  const seen = new Set<string>();
  for (const { key, value } of tags) {
    if (key === '' || key.length > MAX_KEY_LENGTH || !ALLOWED.test(key))
      throw invalidTag(key, 'The TagKey you have provided is invalid');
    if (value.length > MAX_VALUE_LENGTH || !ALLOWED.test(value))
      throw invalidTag(key, 'The TagValue you have provided is invalid');
    if (key.toLowerCase().startsWith('aws:')) throw invalidTag(key, 'System tags cannot be added/updated by requester');
    if (seen.has(key)) throw invalidTag(key, 'Cannot provide multiple Tags with the same key');
    seen.add(key);
  }
  // fromEntries defines properties, so that a key like __proto__ is a tag like any other.
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}

/**
 * The x-amz-tagging header, "k1=v1&k2=v2" with URL encoding; "k" alone has an empty value; no header, no tags.
 * @throws S3Error InvalidArgument when it is not such a string or repeats a key, InvalidTag as checkTags
 */
export function parseTaggingHeader(header: string | undefined): Record<string, string> {
  if (header === undefined) return {};
  const tags: Tag[] = [];
  const seen = new Set<string>();
  for (const pair of header.split('&')) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    const key = decode(at < 0 ? pair : pair.slice(0, at), header);
    const value = at < 0 ? '' : decode(pair.slice(at + 1), header);
    if (seen.has(key)) throw invalidHeader(header);
    seen.add(key);
    tags.push({ key, value });
  }
  return checkTags(tags, 'object');
}

/** The stored form as a list, in the order of keys. */
export function tagList(tags: Tags): readonly Tag[] {
  return Object.entries(tags)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({ key, value }));
}

function decode(text: string, header: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw invalidHeader(header);
  }
}

function invalidHeader(header: string): S3Error {
  return invalidArgument(
    'x-amz-tagging',
    header,
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
  );
}

function invalidTag(key: string, message: string): S3Error {
  return new S3Error('InvalidTag', { message, detail: { TagKey: key } });
}
