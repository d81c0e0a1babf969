import { describe, expect, it } from 'vitest';
import { PieceList } from '../../../src/data/pieces.js';
import { Random } from './memory-stores.js';

describe('PieceList', () => {
  it('gives back the buffers themselves when they are not tiny', () => {
    const pieces = [Buffer.alloc(65536, 1), Buffer.alloc(8192, 2), Buffer.alloc(100, 3), Buffer.alloc(9000, 4)];
    const list = new PieceList();
    for (const piece of pieces) list.add(piece);
    expect(list.sizeBytes).toBe(65536 + 8192 + 100 + 9000);
    const taken = list.take();
    expect(taken.every((piece, i) => piece === pieces[i])).toBe(true);
    expect(taken).toHaveLength(4);
    expect(list.sizeBytes).toBe(0);
    expect(list.take()).toEqual([]);
  });

  it('keeps the bytes in order and few buffers, whatever the slices', () => {
    const random = new Random(9);
    for (const maxSliceBytes of [1, 10, 3000, 8191, 8193, 20_000, 100_000]) {
      const bytes = random.bytes(300_000);
      const list = new PieceList();
      for (const slice of random.slices(bytes, maxSliceBytes)) list.add(slice);
      const taken = list.take();
      expect(Buffer.concat(taken).equals(bytes)).toBe(true);
      expect(taken.length).toBeLessThanOrEqual(2 * Math.ceil(bytes.length / 8192) + 1);
    }
  });

  it('does not write into buffers it has given back', () => {
    const list = new PieceList();
    list.add(Buffer.from('a'));
    list.add(Buffer.from('b'));
    const first = list.take();
    list.add(Buffer.from('c'));
    list.add(Buffer.from('d'));
    expect(Buffer.concat(first).toString()).toBe('ab');
    expect(Buffer.concat(list.take()).toString()).toBe('cd');
  });
});
