/** Request -> operation: the row of the table with the most predicates that all hold. Pure. */
import { S3Error } from './errors.js';
import type { OperationRow, OperationTarget } from './operation.js';
import type { QueryParams } from './request.js';

export interface Resolvable {
  readonly method: string;
  readonly bucket: string | null;
  readonly key: string | null;
  readonly query: QueryParams;
  readonly headers: Readonly<Record<string, string>>;
}

interface Candidate {
  readonly row: OperationRow;
  readonly query: readonly (readonly [string, true | string])[];
  readonly weight: number;
}

/** Compiled once; start-up fails on two rows that the same request would select. */
export class OperationResolver {
  readonly #candidates = new Map<string, Candidate[]>();
  /** Sub-resources: query parameters that some row without a value predicate asks for. */
  readonly #subresources = new Set<string>();

  constructor(rows: readonly OperationRow[]) {
    const seen = new Map<string, string>();
    const names = new Set<string>();
    for (const row of rows) {
      const query = Object.entries(row.query ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
      const identity = JSON.stringify([row.method, row.on, query, row.header ?? null]);
      const twin = seen.get(identity);
      if (twin !== undefined) throw new Error(`operations ${twin} and ${row.name} have the same predicates`);
      if (names.has(row.name)) throw new Error(`operation ${row.name} has two rows`);
      seen.set(identity, row.name);
      names.add(row.name);
      const slot = `${row.method} ${row.on}`;
      const list = this.#candidates.get(slot) ?? [];
      list.push({ row, query, weight: query.length + (row.header === undefined ? 0 : 1) });
      list.sort((a, b) => b.weight - a.weight);
      this.#candidates.set(slot, list);
      for (const [name, value] of query) if (value === true) this.#subresources.add(name);
    }
  }

  /**
   * @throws S3Error MethodNotAllowed when the resource does not have the method, InvalidArgument when the query names two
   * sub-resources at once
   */
  resolve(request: Resolvable): OperationRow {
    const on: OperationTarget = request.key !== null ? 'object' : request.bucket !== null ? 'bucket' : 'service';
    const list = this.#candidates.get(`${request.method} ${on}`);
    let best: Candidate | undefined;
    let rival: Candidate | undefined;
    for (const candidate of list ?? []) {
      if (best !== undefined && candidate.weight < best.weight) break;
      if (!matches(candidate, request)) continue;
      if (best === undefined) best = candidate;
      else rival ??= candidate;
    }
    if (best === undefined) throw this.#methodNotAllowed(request);
    if (rival !== undefined) {
      const conflicting = [...best.query, ...rival.query].map(([name]) => name).join(', ');
      throw new S3Error('InvalidArgument', {
        message: `Conflicting query string parameters: ${conflicting}`,
        detail: { ArgumentName: 'ResourceType', ArgumentValue: best.query[0]?.[0] ?? '' },
      });
    }
    // ?acl on a method that has no acl row must not fall through to the plain operation (POST /b?acl is not a form upload).
    if (best.weight === 0 && request.query.size > 0) {
      for (const name of request.query.names()) {
        if (this.#subresources.has(name) && !PLAIN_PARAMETERS.has(name)) throw this.#methodNotAllowed(request);
      }
    }
    return best.row;
  }

  #methodNotAllowed(request: Resolvable): S3Error {
    return new S3Error('MethodNotAllowed', { detail: { Method: request.method, ResourceType: resourceType(request) } });
  }
}

/** Parameters that select a row in one place and are plain arguments in another. */
const PLAIN_PARAMETERS: ReadonlySet<string> = new Set(['versionId', 'partNumber', 'delete', 'uploadId']);

function matches({ row, query }: Candidate, request: Resolvable): boolean {
  if (row.header !== undefined && request.headers[row.header] === undefined) return false;
  for (const [name, wanted] of query) {
    const value = request.query.get(name);
    if (value === undefined || (wanted !== true && value !== wanted)) return false;
  }
  return true;
}

function resourceType(request: Resolvable): string {
  for (const name of request.query.names())
    if (!name.startsWith('X-Amz-') && !name.startsWith('x-')) return name.toUpperCase();
  return request.key !== null ? 'OBJECT' : request.bucket !== null ? 'BUCKET' : 'SERVICE';
}
