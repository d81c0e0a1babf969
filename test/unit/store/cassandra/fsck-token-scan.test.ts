// A walk along the tokens of a table: every row once, whatever reads fail, and from any cursor on.
import { errors, types } from 'cassandra-driver';
import { describe, expect, it } from 'vitest';
import type { Session } from '../../../../src/store/cassandra/cluster.js';
import { tokenScan } from '../../../../src/store/cassandra/fsck-token-scan.js';
import { StoreError } from '../../../../src/store/errors.js';

interface Fake {
  readonly token: bigint;
  readonly value: string;
}

const MIN = -(2n ** 63n);

/** Partitions spread over all tokens, each of so many rows. */
function table(partitions: number, rowsOf: (partition: number) => number): Fake[] {
  return Array.from(
    { length: partitions },
    (_, i) => MIN + (2n ** 64n / BigInt(partitions + 1)) * BigInt(i + 1),
  ).flatMap((token, i) => Array.from({ length: rowsOf(i) }, (_, row) => ({ token, value: `${i}/${row}` })));
}

const tombstones = new StoreError(
  'unavailable',
  'notApplied',
  'too many tombstones',
  Object.assign(new errors.ResponseError(types.responseErrorCodes.readFailure, 'read failure')),
);

/** crossing: a read of more rows than that fails, after what it has read of them in whole pages. */
function session(rows: readonly Fake[], crossing = Number.POSITIVE_INFINITY): Session & { reads: number } {
  const fake = {
    keyspace: 'ks',
    reads: 0,
    async *pages(_query: string, params: readonly unknown[], fetchSize: number) {
      fake.reads += 1;
      const [after, end] = params.map((value) => BigInt(String(value)));
      const found = rows.filter(({ token }) => token > (after ?? 0n) && token <= (end ?? 0n));
      for (let at = 0; at < found.length; at += fetchSize) {
        if (at + fetchSize > crossing && found.length > crossing) throw tombstones;
        yield found
          .slice(at, at + fetchSize)
          .map(({ token, value }) => ({ partition_token: types.Long.fromString(String(token)), value }));
      }
    },
  };
  return fake as unknown as Session & { reads: number };
}

async function scan(from: Session, options: { readonly cursor?: string | null; readonly pages?: number } = {}) {
  const values: string[] = [];
  let cursor = options.cursor ?? null;
  /** as of the cursor */
  let done: readonly string[] = [];
  let pages = 0;
  const { signal } = new AbortController();
  const common = { session: from, table: 't', partitionKey: ['k'], columns: ['value'], pageRows: 10 };
  for await (const page of tokenScan({ ...common, cursor, signal })) {
    values.push(...page.rows.map((row) => (row as unknown as Fake).value));
    if (page.cursor !== null) [cursor, done] = [page.cursor, [...values]];
    if (++pages === options.pages) break;
  }
  return { values, cursor, done };
}

describe('tokenScan', () => {
  const rows = table(300, (i) => 1 + (i % 7));
  const all = rows.map(({ value }) => value);

  it('brings every row once, in order', async () => {
    expect((await scan(session(rows))).values).toEqual(all);
  });

  it('takes few queries for a small table', async () => {
    const small = session(table(5, () => 1));
    expect((await scan(small)).values).toHaveLength(5);
    expect(small.reads).toBeLessThan(10);
  });

  it.each([15, 40, 200])('brings every row once where a read may not cross more than %s', async (crossing) => {
    const from = session(rows, crossing);
    expect((await scan(from)).values).toEqual(all);
    expect(from.reads).toBeGreaterThan(10);
  });

  it('goes on from any cursor', async () => {
    const from = session(rows);
    for (const pages of [1, 2, 20, 60, 100]) {
      const { done, cursor } = await scan(from, { pages });
      expect([...done, ...(await scan(from, { cursor })).values]).toEqual(all);
    }
  });

  it('gives up where one partition alone is too much', async () => {
    await expect(
      scan(
        session(
          table(1, () => 100),
          20,
        ),
      ),
    ).rejects.toThrow('too many tombstones');
  });
});
