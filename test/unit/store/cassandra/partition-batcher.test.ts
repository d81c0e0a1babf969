import { describe, expect, it } from 'vitest';
import type { Statement } from '../../../../src/store/cassandra/cluster.js';
import { PartitionBatcher } from '../../../../src/store/cassandra/partition-batcher.js';

const statement = (query: string): Statement => ({ query, params: [] });

/** Writes that the test ends when it likes. */
function controlled() {
  const writes: { queries: string[]; end: (error?: Error) => void }[] = [];
  const write = (statements: readonly Statement[]) =>
    new Promise<void>((resolve, reject) => {
      const end = (error?: Error) => (error ? reject(error) : resolve());
      writes.push({ queries: statements.map(({ query }) => query), end });
    });
  return { writes, write };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('PartitionBatcher', () => {
  it('writes at once when nothing is under way, and together what comes meanwhile', async () => {
    const { writes, write } = controlled();
    const batcher = new PartitionBatcher(write);
    const first = batcher.add('p', [statement('a')]);
    const others = ['b', 'c', 'd'].map((query) => batcher.add('p', [statement(query)]));
    expect(writes.map(({ queries }) => queries)).toEqual([['a']]);
    writes[0]?.end();
    await first;
    await turn();
    expect(writes.map(({ queries }) => queries)).toEqual([['a'], ['b', 'c', 'd']]);
    writes[1]?.end();
    await Promise.all(others);
  });

  it('keeps partitions apart', async () => {
    const { writes, write } = controlled();
    const batcher = new PartitionBatcher(write);
    const both = [batcher.add('p', [statement('a')]), batcher.add('q', [statement('b')])];
    expect(writes).toHaveLength(2);
    for (const one of writes) one.end();
    await Promise.all(both);
  });

  it('bounds a batch but never splits what came as one', async () => {
    const { writes, write } = controlled();
    const batcher = new PartitionBatcher(write, 3);
    const all = [
      batcher.add('p', [statement('a')]),
      batcher.add('p', [statement('b1'), statement('b2')]),
      batcher.add('p', [statement('c1'), statement('c2')]),
      batcher.add('p', ['d1', 'd2', 'd3', 'd4'].map(statement)),
    ];
    for (let i = 0; i < 4; i++) {
      writes[i]?.end();
      await turn();
    }
    await Promise.all(all);
    expect(writes.map(({ queries }) => queries)).toEqual([['a'], ['b1', 'b2'], ['c1', 'c2'], ['d1', 'd2', 'd3', 'd4']]);
  });

  it('tells everyone in a batch that it failed, and goes on', async () => {
    const { writes, write } = controlled();
    const batcher = new PartitionBatcher(write);
    const first = batcher.add('p', [statement('a')]);
    const second = batcher.add('p', [statement('b')]);
    const third = batcher.add('p', [statement('c')]);
    writes[0]?.end(new Error('first'));
    await expect(first).rejects.toThrow('first');
    await turn();
    writes[1]?.end(new Error('batch'));
    await expect(second).rejects.toThrow('batch');
    await expect(third).rejects.toThrow('batch');
    const later = batcher.add('p', [statement('d')]);
    writes[2]?.end();
    await later;
    expect(writes).toHaveLength(3);
  });

  it('writes nothing for nothing', async () => {
    const { writes, write } = controlled();
    await new PartitionBatcher(write).add('p', []);
    expect(writes).toEqual([]);
  });
});
