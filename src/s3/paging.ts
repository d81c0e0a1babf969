/** Numbers and choices in the query of listings. */
import type { QueryParams } from './request.js';
import type { S3Error } from './errors.js';
import { invalidArgument } from './errors.js';

/** Listings answer at most this many at once, whatever is asked. */
export const MAX_PAGE = 1000;

/** max-keys and its kin: 0..MAX_PAGE, larger values are capped. @throws S3Error InvalidArgument */
export function pageSize(query: QueryParams, name: string, fallback = MAX_PAGE): number {
  const text = query.get(name);
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!/^-?\d+$/.test(text))
    throw invalidArgument(name, text, `Provided ${name} not an integer or within integer range`);
  if (value < 0 || value > 2_147_483_647)
    throw invalidArgument(name, text, `Argument ${name} must be an integer between 0 and 2147483647`);
  return Math.min(value, MAX_PAGE);
}

/** encoding-type=url is the only one there is. @throws S3Error InvalidArgument */
export function encodingType(query: QueryParams): 'url' | null {
  const value = query.get('encoding-type');
  if (value === undefined) return null;
  if (value !== 'url') throw invalidArgument('encoding-type', value, 'Invalid Encoding Method specified in Request');
  return 'url';
}

/** Continuation tokens are opaque to clients; a version letter in front keeps later formats apart. */
export function encodeToken(position: string): string {
  return `1${Buffer.from(position, 'utf8').toString('base64url')}`;
}

/** @throws S3Error InvalidArgument when the token is not one of ours */
export function decodeToken(token: string, name = 'continuation-token'): string {
  const fault = (): S3Error => invalidArgument(name, token, `The ${name} provided is incorrect`);
  if (!token.startsWith('1')) throw fault();
  const position = Buffer.from(token.slice(1), 'base64url').toString('utf8');
  if (encodeToken(position) !== token) throw fault();
  return position;
}
