/**
 * Reading across more deletions than Cassandra crosses in one query (tombstone_failure_threshold): such a read fails, and is
 * made of parts that cross fewer. Ranges are rewritten long before that; this is for when nobody could.
 */
import { errors, types } from 'cassandra-driver';
import { StoreError } from '../errors.js';
import { keyBetween } from './key-middle.js';

/** Compared as a number: servers answer codes that the driver does not know. */
const READ_FAILURE: number = types.responseErrorCodes.readFailure;
/** Queries of one read that may fail before it is given up: about six for each character of a key. */
const MAX_FAILED = 300;

export interface Stretch {
  readonly from: string;
  readonly inclusive: boolean;
  /** exclusive; null: to the last key */
  readonly end: string | null;
}

export interface DividedRead<Row> {
  readonly stretch: Stretch;
  readonly limit: number;
  /** Rows of a part, in order; fewer than the limit only at its end. */
  readonly read: (part: Stretch, limit: number) => Promise<Row[]>;
  /** Told once, when a read fails. */
  readonly onFailure: () => void;
}

/** @throws StoreError of the read when parts do not help */
export async function readDivided<Row>({ stretch, limit, read, onFailure }: DividedRead<Row>): Promise<Row[]> {
  let failed = 0;
  const within = async (part: Stretch, wanted: number): Promise<Row[]> => {
    try {
      return await read(part, wanted);
    } catch (error) {
      if (!isReadFailure(error)) throw error;
      if (failed === 0) onFailure();
      failed += 1;
      const middle = keyBetween(part.from, part.end);
      if (middle === null || failed > MAX_FAILED) throw error;
      const left = await within({ ...part, end: middle }, wanted);
      if (left.length >= wanted) return left;
      const right = await within({ from: middle, inclusive: true, end: part.end }, wanted - left.length);
      return [...left, ...right];
    }
  };
  return within(stretch, limit);
}

/**
 * The same for all rows of a stretch, page by page; a part that fails midway is read again from its last key on.
 * keyOf: of a row.
 */
export async function* pagesDivided<Row>(
  stretch: Stretch,
  pages: (part: Stretch) => AsyncIterable<Row[]>,
  keyOf: (row: Row) => string,
  allowed = MAX_FAILED,
): AsyncGenerator<Row[]> {
  let rest = stretch;
  try {
    for await (const page of pages(stretch)) {
      yield page;
      const last = page.at(-1);
      // A key may have rows on both sides of a page's end.
      if (last !== undefined) rest = { from: keyOf(last), inclusive: true, end: stretch.end };
    }
  } catch (error) {
    const middle = isReadFailure(error) && allowed > 0 ? keyBetween(rest.from, rest.end) : null;
    if (middle === null) throw error;
    yield* pagesDivided({ ...rest, end: middle }, pages, keyOf, allowed - 1);
    yield* pagesDivided({ from: middle, inclusive: true, end: rest.end }, pages, keyOf, allowed - 1);
  }
}

/** Replicas refused to answer: nearly always because of tombstones. */
export function isReadFailure(error: unknown): boolean {
  if (!(error instanceof StoreError)) return false;
  const { cause } = error;
  if (cause instanceof errors.ResponseError) return isReadFailureCode(cause);
  if (!(cause instanceof errors.NoHostAvailableError)) return false;
  const inner: unknown[] = Object.values((cause.innerErrors ?? {}) as Record<string, unknown>);
  return inner.some((one) => one instanceof errors.ResponseError && isReadFailureCode(one));
}

function isReadFailureCode({ code }: { readonly code: number }): boolean {
  return code === READ_FAILURE;
}
