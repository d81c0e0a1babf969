/** Parameters of the query APIs: a form's fields, checked against what AWS's references say of them. */
import { IamError, invalid } from './iam-errors.js';
import type { Tags } from './iam-store.js';

export interface TextRule {
  readonly min?: number;
  readonly max: number;
  readonly pattern?: RegExp;
}

const NAME = /^[\w+=,.@-]+$/;
export const USER_NAME: TextRule = { max: 64, pattern: NAME };
export const GROUP_NAME: TextRule = { max: 128, pattern: NAME };
export const ROLE_NAME: TextRule = { max: 64, pattern: NAME };
export const POLICY_NAME: TextRule = { max: 128, pattern: NAME };
export const SESSION_NAME: TextRule = { min: 2, max: 64, pattern: NAME };
export const PATH: TextRule = { max: 512, pattern: /^\/$|^\/[!-~]+\/$/ };
export const PATH_PREFIX: TextRule = { max: 512, pattern: /^\/[!-~]*$/ };
export const ARN: TextRule = { min: 20, max: 2048 };
/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html */
export const TAG_KEY: TextRule = { max: 128, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u };
const TAG_VALUE: TextRule = { min: 0, max: 256, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u };
export const ACCESS_KEY_ID: TextRule = { min: 16, max: 128, pattern: /^\w+$/ };
/** Documents are measured by their own limits. */
export const DOCUMENT: TextRule = { max: 131_072, pattern: /^[\t\n\r\x20-\xff]+$/ };

const MAX_MEMBERS = 1000;
const MAX_TAGS = 50;
const DEFAULT_ITEMS = 100;

export interface Page {
  /** name of the last item of the page before; '' for the first page */
  readonly after: string;
  readonly maxItems: number;
}

export class Params {
  readonly #fields: ReadonlyMap<string, string>;

  /** form: application/x-www-form-urlencoded; the first of several fields of one name counts */
  constructor(form: string) {
    const fields = new Map<string, string>();
    for (const [name, value] of new URLSearchParams(form)) if (!fields.has(name)) fields.set(name, value);
    this.#fields = fields;
  }

  has(name: string): boolean {
    return this.#fields.has(name);
  }

  /** As sent, unchecked; '' when it is missing. */
  raw(name: string): string {
    return this.#fields.get(name) ?? '';
  }

  /** @throws IamError ValidationError */
  text(name: string, rule: TextRule): string {
    const value = this.optional(name, rule);
    if (value === null) throw constraint(name, 'null', 'Member must not be null');
    return value;
  }

  /** null when it is missing. @throws IamError ValidationError */
  optional(name: string, rule: TextRule): string | null {
    const value = this.#fields.get(name);
    return value === undefined ? null : checked(name, value, rule);
  }

  /** @throws IamError ValidationError */
  integer(name: string, range: { readonly min: number; readonly max: number; readonly default: number }): number {
    const value = this.#fields.get(name);
    if (value === undefined) return range.default;
    const number = /^-?\d{1,12}$/.test(value) ? Number(value) : Number.NaN;
    if (Number.isNaN(number)) throw new IamError('MalformedQueryString', `${name} is not a number`);
    if (number < range.min)
      throw constraint(name, value, `Member must have value greater than or equal to ${range.min}`);
    if (number > range.max) throw constraint(name, value, `Member must have value less than or equal to ${range.max}`);
    return number;
  }

  /** @throws IamError MalformedQueryString */
  flag(name: string): boolean {
    const value = this.#fields.get(name) ?? 'false';
    if (value !== 'true' && value !== 'false') throw new IamError('MalformedQueryString', `${name} is not a boolean`);
    return value === 'true';
  }

  /** One of the values; null when it is missing. @throws IamError ValidationError */
  choice<T extends string>(name: string, values: readonly T[]): T | null {
    const value = this.#fields.get(name);
    if (value === undefined) return null;
    const found = values.find((known) => known === value);
    if (found === undefined)
      throw constraint(name, value, `Member must satisfy enum value set: [${values.join(', ')}]`);
    return found;
  }

  /** NAME.member.1, NAME.member.2, ... of which there may be so many. @throws IamError ValidationError */
  list(name: string, rule: TextRule, maxMembers = MAX_MEMBERS): readonly string[] {
    const members = this.#members(name, (prefix) => {
      const value = this.#fields.get(prefix);
      return value === undefined ? null : checked(name, value, rule);
    });
    if (members.length > maxMembers) throw tooMany(name, maxMembers);
    return members;
  }

  /** NAME.member.N.FIELD of every N. @throws IamError ValidationError */
  field(name: string, field: string, rule: TextRule): readonly string[] {
    return this.#members(name, (prefix) => this.optional(`${prefix}.${field}`, rule));
  }

  /**
   * Tags.member.N.Key and .Value. caseSensitive: whether keys that differ in case alone are different ones.
   * @throws IamError ValidationError, InvalidInput
   */
  tags({ caseSensitive = false }: { readonly caseSensitive?: boolean } = {}): Tags {
    const pairs = this.#members('Tags', (prefix) =>
      this.has(`${prefix}.Key`) || this.has(`${prefix}.Value`)
        ? ([this.text(`${prefix}.Key`, TAG_KEY), this.text(`${prefix}.Value`, TAG_VALUE)] as const)
        : null,
    );
    if (pairs.length > MAX_TAGS) throw tooMany('Tags', MAX_TAGS);
    const keys = pairs.map(([key]) => (caseSensitive ? key : key.toLowerCase()));
    if (new Set(keys).size < pairs.length)
      throw new IamError(
        'InvalidInput',
        `Duplicate tag keys found.${caseSensitive ? '' : ' Please note that Tag keys are case insensitive.'}`,
      );
    return Object.fromEntries(pairs);
  }

  /** Marker and MaxItems. @throws IamError ValidationError */
  page(): Page {
    const maxItems = this.integer('MaxItems', { min: 1, max: 1000, default: DEFAULT_ITEMS });
    const marker = this.optional('Marker', { max: 4096 });
    if (marker === null) return { after: '', maxItems };
    const after = Buffer.from(marker, 'base64url').toString('utf8');
    if (markerOf(after) !== marker) throw invalid('Invalid Marker');
    return { after, maxItems };
  }

  #members<T>(name: string, read: (prefix: string) => T | null): readonly T[] {
    const members: T[] = [];
    for (let n = 1; n <= MAX_MEMBERS; n++) {
      const member = read(`${name}.member.${n}`);
      if (member === null) return members;
      members.push(member);
    }
    throw new IamError('MalformedQueryString', `${name} has more than ${MAX_MEMBERS} members`);
  }
}

export function markerOf(name: string): string {
  return Buffer.from(name, 'utf8').toString('base64url');
}

function checked(name: string, value: string, { min = 1, max, pattern }: TextRule): string {
  if (value.length < min) throw constraint(name, value, `Member must have length greater than or equal to ${min}`);
  if (value.length > max) throw constraint(name, value, `Member must have length less than or equal to ${max}`);
  if (pattern !== undefined && !pattern.test(value))
    throw constraint(name, value, `Member must satisfy regular expression pattern: ${pattern.source}`);
  return value;
}

function tooMany(name: string, max: number): IamError {
  return constraint(name, '[...]', `Member must have length less than or equal to ${max}`);
}

function constraint(name: string, value: string, rule: string): IamError {
  const member = name.charAt(0).toLowerCase() + name.slice(1);
  const shown = value.length > 256 ? `${value.slice(0, 256)}...` : value;
  return invalid(`1 validation error detected: Value '${shown}' at '${member}' failed to satisfy constraint: ${rule}`);
}
