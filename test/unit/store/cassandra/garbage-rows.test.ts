import { describe, expect, it } from 'vitest';
import {
  decodeItems,
  encodeItems,
  entryId,
  hourEndMs,
  parseEntryId,
  shardAt,
  shardEndMs,
  shardKey,
  toEntries,
} from '../../../../src/store/cassandra/garbage-rows.js';

const AT = Date.UTC(2026, 0, 2, 3, 4, 5);
const ITEM = {
  bucket: { name: 'b', instance: '11111111-1111-4111-8111-111111111111', region: 'eu|west/1' },
  key: 'a/b|c\n"d"',
  blobs: [{ inode: '22222222-2222-4222-8222-222222222222', storageClass: 'STANDARD' }],
};

describe('garbage rows', () => {
  it('names a shard by minute and gateway, findable by hour', () => {
    const shard = shardAt('eu', 'gw', AT);
    expect(shardKey(shard)).toBe(`eu/${shard.name}`);
    expect(shardEndMs(shard.name)).toBe(Date.UTC(2026, 0, 2, 3, 5));
    expect(hourEndMs(shard.hour)).toBe(Date.UTC(2026, 0, 2, 4));
    expect(shardAt('eu', 'gw', AT + 60_000).name > shard.name).toBe(true);
    expect(shardAt('eu', '', shardEndMs(shard.name) - 1).hour).toBe(shard.hour);
  });

  it('keeps items, with whatever text keys hold', () => {
    const many = [ITEM, { ...ITEM, blobs: [] }, { ...ITEM, slot: 1_700_000_000_000_123 }];
    expect(decodeItems(encodeItems(many), 'eu|west/1')).toEqual(many);
  });

  it('makes ids that lead back to the row', () => {
    const row = { shard: 'eu|west/1/0001-gw', id: '33333333-3333-1333-8333-333333333333', kind: 'commit' as const };
    const entries = toEntries({ ...row, notBeforeMs: 5 }, [ITEM, ITEM, ITEM]);
    expect(entries.map(({ id }) => parseEntryId(id))).toEqual(
      [0, 1, 2].map((index) => ({ shard: row.shard, row: row.id, kind: 'commit', index, count: 3 })),
    );
    expect(entries[1]).toMatchObject({ ...ITEM, notBeforeMs: 5 });
    const [pinned] = toEntries({ ...row, kind: 'garbage', notBeforeMs: 5 }, [{ ...ITEM, slot: 1_700_000_000_000_123 }]);
    expect(parseEntryId(pinned?.id ?? '')).toMatchObject({
      shard: row.shard,
      row: row.id,
      slot: 1_700_000_000_000_123,
    });
  });

  it('knows foreign ids', () => {
    expect(parseEntryId('nonsense')).toBeNull();
    const place = {
      shard: 's',
      row: '33333333-3333-1333-8333-333333333333',
      kind: 'intent' as const,
      index: 0,
      count: 1,
    };
    expect(parseEntryId(entryId(place))).toEqual(place);
  });
});
