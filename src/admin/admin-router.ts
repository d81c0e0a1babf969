/** Method and path -> a row of the table of admin operations. Pure. */
import { IamError } from '../iam/iam-errors.js';
import { S3Error } from '../s3/errors.js';
import { bucketOfHost } from '../s3/request.js';
import type { Address } from '../s3/request.js';
import type { AdminOperation } from './admin-operation.js';

/** No bucket has this name: in path style the path can be nothing else. */
const PREFIX = '/-/admin/';
const VERSION = 'v1';

/** Whether a request is for the admin API. Of virtual hosts the path is a key, whatever it begins with. */
export function isAdminAddress({ rawPath, host }: Address, serviceHosts: readonly string[]): boolean {
  return rawPath.startsWith(PREFIX) && bucketOfHost(host, serviceHosts) === null;
}

export interface AdminRoute {
  readonly operation: AdminOperation;
  readonly params: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly operation: AdminOperation;
  /** {name: ...} for a segment that may be anything */
  readonly segments: readonly (string | { readonly name: string })[];
}

export class AdminRouter {
  readonly #patterns: readonly Pattern[];

  /** @throws Error when two rows have the same name, or method and path that both fit some request equally well */
  constructor(operations: readonly AdminOperation[]) {
    this.#patterns = operations.map((operation) => ({ operation, segments: segmentsOf(operation.path) }));
    const names = new Set<string>();
    const shapes = new Set<string>();
    for (const { operation, segments } of this.#patterns) {
      const shape = `${operation.method} ${segments.map((part) => (typeof part === 'string' ? part : '{}')).join('/')}`;
      if (names.has(operation.name)) throw new Error(`two admin operations have the name ${operation.name}`);
      if (shapes.has(shape)) throw new Error(`two admin operations answer ${shape}`);
      if (!/^[A-Za-z]+$/.test(operation.name)) throw new Error(`${operation.name} cannot be an action of policies`);
      names.add(operation.name);
      shapes.add(shape);
    }
  }

  /**
   * A literal segment fits better than a named one.
   * @param rawPath percent-encoded, begins with PREFIX
   * @throws IamError NoSuchEntity for a path of no operation, S3Error MethodNotAllowed, InvalidURI
   */
  route(method: string, rawPath: string): AdminRoute {
    const [version, ...rawSegments] = rawPath.slice(PREFIX.length).split('/');
    const segments = version === VERSION ? rawSegments.map(decode) : [];
    const fitting = this.#patterns
      .filter((pattern) => fits(pattern, segments))
      .sort((a, b) => literals(b) - literals(a));
    const found = fitting.find(({ operation }) => operation.method === method);
    if (found !== undefined) return { operation: found.operation, params: paramsOf(found, segments) };
    if (fitting.length === 0) throw new IamError('NoSuchEntity', `There is no admin operation at ${rawPath}.`);
    throw new S3Error('MethodNotAllowed', {
      headers: { allow: [...new Set(fitting.map(({ operation }) => operation.method))].sort().join(', ') },
    });
  }
}

function segmentsOf(path: string): Pattern['segments'] {
  if (!path.startsWith('/')) throw new Error(`the path of an admin operation begins with '/': ${path}`);
  return path
    .slice(1)
    .split('/')
    .map((part) => {
      const name = /^\{([A-Za-z]+)\}$/.exec(part)?.[1];
      return name === undefined ? part : { name };
    });
}

function fits({ segments: pattern }: Pattern, segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => (typeof part === 'string' ? part === segments[index] : segments[index] !== ''))
  );
}

function literals({ segments }: Pattern): number {
  return segments.filter((part) => typeof part === 'string').length;
}

function paramsOf({ segments: pattern }: Pattern, segments: readonly string[]): Readonly<Record<string, string>> {
  const named = pattern.flatMap((part, index) =>
    typeof part === 'string' ? [] : [[part.name, segments[index] ?? ''] as const],
  );
  return Object.fromEntries(named);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new S3Error('InvalidURI', { cause });
  }
}
