// When a key takes no version more, and what is counted for that.
import { describe, expect, it } from 'vitest';
import type { Head } from '../../../../src/store/cassandra/head-table.js';
import { VersionLimit } from '../../../../src/store/cassandra/version-limit.js';
import {
  decodeTally,
  encodeTally,
  rowBytesOf,
  tallyAfter,
  tallyOf,
} from '../../../../src/store/cassandra/version-tally.js';
import type { Counted } from '../../../../src/store/cassandra/version-tally.js';
import { StoreError } from '../../../../src/store/errors.js';
import { applyChange } from '../../../../src/store/shared/key-change.js';
import type { BucketRef, KeyChange } from '../../../../src/store/types.js';
import { DRAFT, headOf, version } from './heads.js';

const BUCKET: BucketRef = { name: 'bucket', instance: '00000000-0000-4000-8000-000000000000' } as BucketRef;
const PUT: KeyChange = { put: { draft: DRAFT, isNull: false } };

/** A key with two versions on top of what the tally says. */
function keyOf(counted: Counted): Head {
  return { ...headOf([version({ seq: 9 }), version({ seq: 8 })], true), counted };
}

function tally(versions: number, sizeBytes = 0): Counted {
  return { kind: 'tally', tally: { versions, sizeBytes } };
}

function limitOf(counts: { readonly versions: number; readonly sizeBytes: number }) {
  const asked: object[] = [];
  const count = async (_bucket: BucketRef, _key: string, enough: object) => {
    asked.push(enough);
    return counts;
  };
  return { asked, limit: new VersionLimit({ heads: { count }, maxVersions: 5, maxBytes: 10_000 }) };
}

const applied = (head: Head, change: KeyChange) => applyChange(head.state, change, 1_000);

describe('the tally of a key', () => {
  it('is true for one clock', () => {
    const cell = encodeTally({ versions: 70_000, sizeBytes: 2 ** 40 }, 1_700_000_000_000_000);
    const told = { kind: 'tally', tally: { versions: 70_000, sizeBytes: 2 ** 40 } };
    expect(decodeTally(cell, 1_700_000_000_000_000)).toEqual(told);
    for (const [other, clock] of [
      [cell, 1_700_000_000_000_001],
      [cell, null],
      [null, 1_700_000_000_000_000],
      [cell.subarray(1), 1_700_000_000_000_000],
    ] as const)
      expect(decodeTally(other, clock)).toEqual({ kind: 'unknown' });
  });

  it('follows the change', () => {
    const head = keyOf(tally(7, 5_000));
    const added = applied(head, PUT);
    expect(tallyAfter(head, added)).toEqual({ versions: 8, sizeBytes: 5_000 + rowBytesOf(version({ ...added.put })) });
    const [latest] = [head.state.latest];
    if (latest === null) throw new Error('the key has a version');
    const gone = applied(head, { remove: [latest] });
    expect(tallyAfter(head, gone)).toEqual({ versions: 6, sizeBytes: 5_000 - rowBytesOf(latest) });
    const longer = { ...latest, tags: { name: 'value' } };
    const sizeBytes = 5_000 + rowBytesOf(longer) - rowBytesOf(latest);
    expect(tallyAfter(head, applied(head, { replace: longer }))).toEqual({ versions: 7, sizeBytes });
  });

  it('is begun with the third version, and stays unknown until somebody counts', () => {
    const two = headOf([version({ seq: 9 }), version({ seq: 8 })], true);
    const all = { ...two, counted: { kind: 'all', versions: [version({ seq: 9 }), version({ seq: 8 })] } } as const;
    const added = applied(all, PUT);
    const put = added.put ?? version({});
    expect(tallyAfter(all, added)).toEqual(tallyOf([version({ seq: 9 }), version({ seq: 8 }), put]));
    const one = {
      ...headOf([version({ seq: 9 })], true),
      counted: { kind: 'all', versions: [version({ seq: 9 })] },
    } as const;
    expect(tallyAfter(one, applied(one, PUT))).toBeNull();
    const unknown = keyOf({ kind: 'unknown' });
    expect(tallyAfter(unknown, applied(unknown, PUT))).toBeNull();
  });
});

describe('VersionLimit', () => {
  const refusal = async (check: Promise<unknown>): Promise<string> => {
    const error: unknown = await check.then(
      () => null,
      (reason: unknown) => reason,
    );
    return error instanceof StoreError ? `${error.kind} ${error.outcome}` : String(error);
  };

  it('refuses what goes above the number of versions', async () => {
    const { limit, asked } = limitOf({ versions: 0, sizeBytes: 0 });
    const four = keyOf(tally(4));
    expect(await limit.check(BUCKET, 'key', four, applied(four, PUT))).toBe(four);
    const five = keyOf(tally(5));
    expect(await refusal(limit.check(BUCKET, 'key', five, applied(five, PUT)))).toBe('tooManyVersions notApplied');
    expect(asked).toEqual([]);
  });

  it('refuses what goes above the bytes of a partition', async () => {
    const { limit } = limitOf({ versions: 0, sizeBytes: 0 });
    const large = keyOf(tally(4, 9_900));
    expect(await refusal(limit.check(BUCKET, 'key', large, applied(large, PUT)))).toBe('tooManyVersions notApplied');
  });

  it('never refuses what adds no version', async () => {
    const { limit, asked } = limitOf({ versions: 90, sizeBytes: 0 });
    for (const head of [keyOf(tally(90, 90_000)), keyOf({ kind: 'unknown' })]) {
      const { latest } = head.state;
      if (latest === null) throw new Error('the key has a version');
      for (const change of [{ remove: [latest] }, { replace: { ...latest, tags: { a: 'b' } } }])
        expect(await limit.check(BUCKET, 'key', head, applied(head, change))).toBe(head);
    }
    expect(asked).toEqual([]);
  });

  it('counts where nothing is known, no further than it has to', async () => {
    const unknown = keyOf({ kind: 'unknown' });
    const few = limitOf({ versions: 4, sizeBytes: 400 });
    const counted = await few.limit.check(BUCKET, 'key', unknown, applied(unknown, PUT));
    expect(counted).toEqual({ ...unknown, counted: tally(4, 400) });
    expect(few.asked).toEqual([{ versions: 6, sizeBytes: 10_000 }]);
    const many = limitOf({ versions: 7, sizeBytes: 700 });
    expect(await refusal(many.limit.check(BUCKET, 'key', unknown, applied(unknown, PUT)))).toBe(
      'tooManyVersions notApplied',
    );
  });
});
