/**
 * All rows of a table in order of their partitions' tokens: in stretches of tokens that grow and shrink with what they hold, so that
 * a stop loses little, and that are halved where a read meets more tombstones than Cassandra crosses. Murmur3Partitioner.
 */
import { types } from 'cassandra-driver';
import type { Session } from './cluster.js';
import { isReadFailure } from './divided-read.js';
import type { Row } from './rows.js';

export interface TokenScan {
  readonly session: Session;
  readonly table: string;
  /** SELECT DISTINCT of the partition key */
  readonly distinct?: boolean;
  readonly partitionKey: readonly string[];
  readonly columns: readonly string[];
  readonly pageRows: number;
  /** token of the last partition that is done */
  readonly cursor: string | null;
  readonly signal: AbortSignal;
}

export interface TokenPage {
  readonly rows: readonly Row[];
  /** Null within a stretch. A page with a cursor ends a stretch: no partition goes on behind it. */
  readonly cursor: string | null;
  readonly fraction: number;
}

const LEAST = -(2n ** 63n);
const GREATEST = 2n ** 63n - 1n;
const SPAN = 2n ** 64n;
const FIRST_STRETCH = SPAN / 64n;
/** A stretch should hold so many rows. */
const FEW_ROWS = 2_000;
const MANY_ROWS = 50_000;
/** Reads of one stretch that may fail before it is given up. */
const MAX_FAILED = 200;

export async function* tokenScan(scan: TokenScan): AsyncGenerator<TokenPage> {
  let done = scan.cursor === null ? LEAST : BigInt(scan.cursor);
  let width = FIRST_STRETCH;
  while (done < GREATEST) {
    const end = done + width < GREATEST ? done + width : GREATEST;
    let count = 0;
    for await (const rows of stretch(scan, done, end)) {
      count += rows.length;
      yield { rows, cursor: null, fraction: fractionOf(done) };
    }
    done = end;
    yield { rows: [], cursor: String(done), fraction: fractionOf(done) };
    if (count < FEW_ROWS) width *= 2n;
    else if (count > MANY_ROWS) width = width / 2n + 1n;
  }
}

function fractionOf(token: bigint): number {
  return Number(((token - LEAST) * 10_000n) / SPAN) / 10_000;
}

/** Rows of partitions with tokens in (after, end]. */
async function* stretch(scan: TokenScan, after: bigint, end: bigint): AsyncGenerator<Row[]> {
  const { session, signal } = scan;
  const pk = scan.partitionKey.join(', ');
  const query =
    `SELECT ${scan.distinct === true ? 'DISTINCT ' : ''}token(${pk}) AS partition_token, ${scan.columns.join(', ')} ` +
    `FROM ${session.keyspace}.${scan.table} WHERE token(${pk}) > ? AND token(${pk}) <= ?`;
  const parts: [after: bigint, end: bigint][] = [[after, end]];
  /** The partition that the last row was of, and how many of its rows were passed on: a part that failed begins with it again. */
  let last: bigint | null = null;
  let passed = 0;
  let failed = 0;
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    const [from, to] = part;
    let skip = last !== null && last > from ? passed : 0;
    try {
      for await (const page of session.pages(query, [long(from), long(to)], scan.pageRows)) {
        signal.throwIfAborted();
        const rows = page.slice(Math.min(skip, page.length));
        skip -= page.length - rows.length;
        for (const row of rows) {
          const token = tokenOf(row);
          passed = token === last ? passed + 1 : 1;
          last = token;
        }
        if (rows.length > 0) yield rows;
      }
    } catch (error) {
      failed += 1;
      const again = last !== null && last > from ? last - 1n : from;
      if (!isReadFailure(error) || failed > MAX_FAILED || to - again <= 1n) throw error;
      const middle = again + (to - again) / 2n;
      parts.push([middle, to], [again, middle]);
    }
  }
}

function long(value: bigint) {
  return types.Long.fromString(String(value));
}

function tokenOf(row: Row): bigint {
  return BigInt(String(row['partition_token']));
}
