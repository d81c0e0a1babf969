import { describe, expect, it } from 'vitest';
import { oldContent } from '../../../src/migrate/old-content.js';
import type { OldBlobs } from '../../../src/migrate/old-content.js';

type Blocks = Readonly<Record<number, Readonly<Record<number, string>>>>;

/** Pages of one chunk: where a page ends must not matter. */
function blobsOf(blocks: Blocks): OldBlobs {
  const numbers = (value: object): number[] =>
    Object.keys(value)
      .map(Number)
      .sort((a, b) => a - b);
  return {
    async *blocks() {
      yield* numbers(blocks);
    },
    async *chunks(_inode, block) {
      const chunks = blocks[block] ?? {};
      for (const offset of numbers(chunks)) yield [{ offset, payload: Buffer.from(chunks[offset] ?? '') }];
    },
  };
}

async function contentOf(blocks: Blocks, sizeBytes: number): Promise<string> {
  const options = { inode: { inode: 'i', version: 'v' }, sizeBytes, signal: new AbortController().signal };
  const pieces: Buffer[] = [];
  for await (const piece of oldContent(blobsOf(blocks), options)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe('oldContent', () => {
  it.each<[string, Blocks, number, string]>([
    ['nothing', { 0: {} }, 0, ''],
    ['several blocks, the last one begun and empty', { 0: { 0: 'ab', 2: 'cd' }, 4: { 4: 'ef' }, 6: {} }, 6, 'abcdef'],
    ['chunks of any length', { 0: { 0: 'a', 1: 'bcd' }, 4: { 4: 'ef' } }, 6, 'abcdef'],
    ['old chunks between new ones', { 0: { 0: 'abc', 2: 'XX', 3: 'def', 4: 'YY' } }, 6, 'abcdef'],
    ['old chunks behind the end', { 0: { 0: 'abc', 3: 'XXX' }, 6: { 6: 'YYY' } }, 3, 'abc'],
    ['old data of what is empty now', { 0: { 0: 'XXX' } }, 0, ''],
    ['old blocks that began elsewhere', { 0: { 0: 'abcde' }, 4: { 4: 'XX', 6: 'YY' }, 5: { 5: 'fgh' } }, 8, 'abcdefgh'],
    ['blocks of a part, whose offsets were counted twice', { 0: { 0: 'abcd' }, 8: { 8: 'ef' } }, 10, 'abcdef'],
    ['no bytes after a missing chunk', { 0: { 0: 'ab', 4: 'ef', 6: 'gh' } }, 8, 'ab'],
    ['no bytes of what is gone', {}, 8, ''],
    ['never more than its size', { 0: { 0: 'abcdef' } }, 4, 'abcd'],
  ])('%s', async (_name, blocks, sizeBytes, expected) => {
    expect(await contentOf(blocks, sizeBytes)).toBe(expected);
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    const content = oldContent(blobsOf({ 0: { 0: 'a' } }), {
      inode: { inode: 'i', version: 'v' },
      sizeBytes: 1,
      signal,
    });
    await expect(content.next()).rejects.toThrow('stopped');
  });
});
