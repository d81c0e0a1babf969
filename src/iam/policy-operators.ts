/**
 * The condition operators: how one value of a policy is compared with one value of the request. Pure.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
import { BlockList, isIP } from 'node:net';
import type { ArnPattern } from './policy-arn.js';
import { arnPattern, matchesArn } from './policy-arn.js';
import type { Template, VariableLookup } from './policy-template.js';
import { globOf, literal, matchesGlob } from './policy-template.js';

/** One value of a condition, read once; whether the request's value matches it. */
export type Matcher = (actual: string, lookup: VariableLookup) => boolean;

export interface Operator {
  /** True for the ...Not... operators: the condition holds when no value matches. */
  readonly negated: boolean;
  /** null when the value is none of this operator's type. Templates with variables are judged when they are filled in. */
  readonly matcher: (value: Template) => Matcher | null;
}

type Compare = (wanted: string, actual: string) => boolean;

/** Compares texts, whatever they are. */
function text(compare: Compare): Operator['matcher'] {
  return (value) => (actual, lookup) => {
    const wanted = literal(value, lookup);
    return wanted !== null && compare(wanted, actual);
  };
}

/** Compares values of a type; null from read: not one of it. */
function typed<T>(read: (text: string) => T | null, compare: (wanted: T, actual: T) => boolean): Operator['matcher'] {
  return (value) => {
    const fixed = value.tokens.every((token) => token.kind !== 'variable')
      ? read(literal(value, () => null) ?? '')
      : undefined;
    if (fixed === null) return null;
    return (actual, lookup) => {
      const filled = fixed === undefined ? literal(value, lookup) : null;
      const wanted = fixed ?? (filled === null ? null : read(filled));
      const found = read(actual);
      return wanted !== null && found !== null && compare(wanted, found);
    };
  };
}

const like: Operator['matcher'] = (value) => (actual, lookup) => {
  const glob = globOf(value, lookup);
  return glob !== null && matchesGlob(glob, actual);
};

const arn: Operator['matcher'] = (value) => {
  const pattern: ArnPattern | null = arnPattern(value);
  return pattern === null ? null : (actual, lookup) => matchesArn(pattern, actual, lookup);
};

function readNumber(value: string): number | null {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value.trim()) ? Number(value) : null;
}

const ISO_DATE = /^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?)?)?$/;

/** ms since the epoch; of a W3C date, or of seconds since the epoch */
function readDate(value: string): number | null {
  const trimmed = value.trim();
  // Four digits are a year.
  if (/^\d{5,}(\.\d+)?$/.test(trimmed)) return Number(trimmed) * 1000;
  if (!ISO_DATE.test(trimmed)) return null;
  const zoned = trimmed.includes('T') && !/(Z|[+-]\d{2}:?\d{2})$/.test(trimmed) ? `${trimmed}Z` : trimmed;
  const ms = Date.parse(zoned);
  return Number.isNaN(ms) ? null : ms;
}

function readBoolean(value: string): boolean | null {
  const lower = value.trim().toLowerCase();
  return lower === 'true' ? true : lower === 'false' ? false : null;
}

function readBinary(value: string): string | null {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(value) ? Buffer.from(value, 'base64').toString('hex') : null;
}

export interface Cidr {
  readonly family: 'ipv4' | 'ipv6';
  readonly address: string;
  readonly bits: number;
}

/** '192.0.2.0/24', '2001:db8::/32', or one address; null otherwise */
export function readCidr(value: string): Cidr | null {
  const [address = '', bitsText, ...more] = value.trim().split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return null;
  const most = version === 4 ? 32 : 128;
  const bits = bitsText === undefined ? most : Number(bitsText);
  if (bitsText !== undefined && !/^\d{1,3}$/.test(bitsText)) return null;
  return bits <= most ? { family: version === 4 ? 'ipv4' : 'ipv6', address, bits } : null;
}

/** An IPv4 address that came in over an IPv6 socket is an IPv4 address. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? address;
}

const ip: Operator['matcher'] = (value) => {
  const contains = (cidr: Cidr, actual: string): boolean => {
    const address = plainAddress(actual);
    const version = isIP(address);
    if (version === 0) return false;
    const block = new BlockList();
    block.addSubnet(cidr.address, cidr.bits, cidr.family);
    return block.check(address, version === 4 ? 'ipv4' : 'ipv6');
  };
  const wanted = literal(value, () => null);
  if (wanted !== null) {
    const cidr = readCidr(wanted);
    return cidr === null ? null : (actual) => contains(cidr, actual);
  }
  return (actual, lookup) => {
    const filled = literal(value, lookup);
    const cidr = filled === null ? null : readCidr(filled);
    return cidr !== null && contains(cidr, actual);
  };
};

const equal: Compare = (wanted, actual) => wanted === actual;
const equalIgnoringCase: Compare = (wanted, actual) => wanted.toLowerCase() === actual.toLowerCase();

type Order = (wanted: number, actual: number) => boolean;
const ORDERS: Readonly<Record<string, Order>> = {
  Equals: (wanted, actual) => actual === wanted,
  LessThan: (wanted, actual) => actual < wanted,
  LessThanEquals: (wanted, actual) => actual <= wanted,
  GreaterThan: (wanted, actual) => actual > wanted,
  GreaterThanEquals: (wanted, actual) => actual >= wanted,
};

function ordered(prefix: 'Numeric' | 'Date', read: (text: string) => number | null): [string, Operator][] {
  const operators = Object.entries(ORDERS).map(([name, order]): [string, Operator] => [
    prefix + name,
    { negated: false, matcher: typed(read, order) },
  ]);
  return [...operators, [`${prefix}NotEquals`, { negated: true, matcher: typed(read, (a, b) => a === b) }]];
}

function pair(name: string, notName: string, matcher: Operator['matcher']): [string, Operator][] {
  return [
    [name, { negated: false, matcher }],
    [notName, { negated: true, matcher }],
  ];
}

/** By name, without ...IfExists and set qualifiers; Null is none of them: it asks about the key, not its values. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ...pair('StringEquals', 'StringNotEquals', text(equal)),
  ...pair('StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', text(equalIgnoringCase)),
  ...pair('StringLike', 'StringNotLike', like),
  ...ordered('Numeric', readNumber),
  ...ordered('Date', readDate),
  ['Bool', { negated: false, matcher: typed(readBoolean, (a, b) => a === b) }],
  ['BinaryEquals', { negated: false, matcher: typed(readBinary, (a, b) => a === b) }],
  ...pair('IpAddress', 'NotIpAddress', ip),
  ...pair('ArnEquals', 'ArnNotEquals', arn),
  ...pair('ArnLike', 'ArnNotLike', arn),
] as [string, Operator][]);
