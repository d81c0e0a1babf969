/**
 * POST policies: parsing, and the check that a form satisfies its policy.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
import { S3Error } from '../s3/errors.js';
import { parseIsoExtended } from './dates.js';
import { accessDenied } from './failures.js';
import type { ParsedPostPolicy, PolicyCondition } from './types.js';

/** Form fields that no condition has to cover. */
const EXEMPT_FIELDS: ReadonlySet<string> = new Set([
  'awsaccesskeyid',
  'file',
  'policy',
  'signature',
  'x-amz-signature',
]);
/** x-ignore-*: by S3's rule. x-amz-checksum-*: they can only make an upload fail, and no policy can know them beforehand. */
const EXEMPT_PREFIXES = ['x-ignore-', 'x-amz-checksum-'];

/** Parses a policy from its base64 field; throws InvalidPolicyDocument. The keys of the document are case-sensitive. */
export function parsePostPolicy(policyBase64: string): ParsedPostPolicy {
  const document = parseJson(Buffer.from(policyBase64, 'base64').toString('utf8'));
  if (typeof document !== 'object' || document === null || Array.isArray(document)) throw invalid('Invalid JSON.');
  const { expiration, conditions } = document as Record<string, unknown>;
  if (expiration === undefined) throw invalid('Policy missing expiration.');
  if (conditions === undefined) throw invalid('Policy missing conditions.');
  const expirationMs = typeof expiration === 'string' ? parseIsoExtended(expiration) : null;
  if (expirationMs === null) throw invalid(`Invalid 'expiration' value: ${JSON.stringify(expiration)}`);
  if (!Array.isArray(conditions)) throw invalid("Invalid 'conditions' value: must be a List.");
  return { expirationMs, conditions: conditions.map(parseCondition) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(jsonEscapes(text));
  } catch (cause) {
    throw new S3Error('InvalidPolicyDocument', { message: 'Invalid Policy: Invalid JSON.', cause });
  }
}

/** AWS documents two escapes that JSON does not know: "\$" and "\v". */
function jsonEscapes(text: string): string {
  return text.replace(/\\(.)/gs, (escape, char: string) => (char === '$' ? '$' : char === 'v' ? '\\u000b' : escape));
}

function parseCondition(condition: unknown): PolicyCondition {
  if (Array.isArray(condition)) return parseArrayCondition(condition as readonly unknown[]);
  if (typeof condition !== 'object' || condition === null) {
    throw invalid('Invalid Condition: must be a Map or a List.');
  }
  const [entry, ...rest] = Object.entries(condition as Record<string, unknown>);
  if (entry === undefined || rest.length > 0) {
    throw invalid('Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.');
  }
  const [name, value] = entry;
  if (typeof value !== 'string') throw invalid('Invalid Simple-Condition: value must be a string.');
  return { kind: 'eq', name: name.toLowerCase(), value, source: source('eq', '$' + name, value) };
}

function parseArrayCondition(condition: readonly unknown[]): PolicyCondition {
  const [operation, first, second] = condition;
  const kind = typeof operation === 'string' ? operation.toLowerCase() : '';
  if (kind !== 'eq' && kind !== 'starts-with' && kind !== 'content-length-range') {
    throw invalid(`Invalid Condition: unknown operation '${String(operation)}'.`);
  }
  if (condition.length !== 3) throw invalid(`Invalid ${kind}: wrong number of arguments.`);
  if (kind === 'content-length-range') {
    return { kind, minBytes: parseBound(first), maxBytes: parseBound(second) };
  }
  if (typeof first !== 'string' || typeof second !== 'string')
    throw invalid(`Invalid ${kind}: arguments must be strings.`);
  if (!first.startsWith('$') || first.length === 1) {
    throw invalid(`Invalid ${kind}: the field name must start with '$'.`);
  }
  const name = first.slice(1).toLowerCase();
  return kind === 'eq'
    ? { kind, name, value: second, source: source(kind, first, second) }
    : { kind, name, prefix: second, source: source(kind, first, second) };
}

function parseBound(bound: unknown): number {
  const bytes = typeof bound === 'string' && /^\d{1,16}$/.test(bound) ? Number(bound) : bound;
  if (typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0) return bytes;
  throw invalid('Invalid content-length-range: bounds must be non-negative integers.');
}

/** The condition as an error shows it; a key of SSE-C that a policy fixes is left out. */
function source(kind: string, name: string, value: string): string {
  const shown = /-customer-key$/i.test(name) ? '(hidden)' : value;
  return `[${JSON.stringify(kind)}, ${JSON.stringify(name)}, ${JSON.stringify(shown)}]`;
}

function invalid(reason: string): S3Error {
  return new S3Error('InvalidPolicyDocument', { message: `Invalid Policy: ${reason}` });
}

export interface PostPolicyInput {
  /** The bucket that the form is posted to; a form field 'bucket' cannot stand in for it. */
  readonly bucket: string;
  /** Lower-case name -> value, with ${filename} in the key already replaced. */
  readonly fields: ReadonlyMap<string, string>;
  /** Size of the file, when it is known already; otherwise cap the upload by contentLengthRange. */
  readonly fileSizeBytes?: number;
}

/**
 * Checks a form against its policy: every condition must hold, and every field must be under a condition. Throws
 * AccessDenied with AWS's messages, EntityTooLarge or EntityTooSmall.
 */
export function evaluatePostPolicy(policy: ParsedPostPolicy, input: PostPolicyInput): void {
  const covered = new Set<string>();
  for (const condition of policy.conditions) {
    if (condition.kind === 'content-length-range') continue;
    covered.add(condition.name);
    const value = condition.name === 'bucket' ? input.bucket : (input.fields.get(condition.name) ?? '');
    if (!holds(condition, value)) {
      throw accessDenied(`Invalid according to Policy: Policy Condition failed: ${condition.source}`);
    }
  }
  const uncovered = ['bucket', ...input.fields.keys()].find((name) => !covered.has(name) && !isExempt(name));
  if (uncovered !== undefined) throw accessDenied(`Invalid according to Policy: Extra input fields: ${uncovered}`);
  if (input.fileSizeBytes !== undefined) checkFileSize(policy, input.fileSizeBytes);
}

function isExempt(name: string): boolean {
  return EXEMPT_FIELDS.has(name) || EXEMPT_PREFIXES.some((prefix) => name.startsWith(prefix));
}

type FieldCondition = Exclude<PolicyCondition, { kind: 'content-length-range' }>;

function holds(condition: FieldCondition, value: string): boolean {
  if (condition.kind === 'eq') return value === condition.value;
  if (condition.name === 'content-type' && value.includes(',')) {
    // A list of types: each of them has to match.
    return value.split(',').every((type) => type.trim().startsWith(condition.prefix));
  }
  return value.startsWith(condition.prefix);
}

export interface ContentLengthRange {
  readonly minBytes: number;
  readonly maxBytes: number;
}

/** The sizes that a policy allows, the intersection if it has several ranges; null if it does not restrict them. */
export function contentLengthRange(policy: ParsedPostPolicy): ContentLengthRange | null {
  let minBytes = 0;
  let maxBytes = Infinity;
  for (const condition of policy.conditions) {
    if (condition.kind !== 'content-length-range') continue;
    minBytes = Math.max(minBytes, condition.minBytes);
    maxBytes = Math.min(maxBytes, condition.maxBytes);
  }
  return maxBytes === Infinity ? null : { minBytes, maxBytes };
}

/** Throws EntityTooLarge or EntityTooSmall if the policy does not allow a file of this size. */
export function checkFileSize(policy: ParsedPostPolicy, fileSizeBytes: number): void {
  const range = contentLengthRange(policy);
  if (range === null) return;
  if (fileSizeBytes > range.maxBytes) {
    throw new S3Error('EntityTooLarge', {
      detail: { ProposedSize: String(fileSizeBytes), MaxSizeAllowed: String(range.maxBytes) },
    });
  }
  if (fileSizeBytes < range.minBytes) {
    throw new S3Error('EntityTooSmall', {
      detail: { ProposedSize: String(fileSizeBytes), MinSizeAllowed: String(range.minBytes) },
    });
  }
}
