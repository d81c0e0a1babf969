import { describe, expect, it } from 'vitest';
import { MemoryBudget } from '../../../src/data/budget.js';
import { ChunkMemory } from '../../../src/data/chunk-memory.js';

const MIB = 1024 * 1024;
const memoryOf = (keepBytes = 8 * MIB, aheadBytes = 2 * MIB): ChunkMemory =>
  new ChunkMemory({ keepBytes, ahead: new MemoryBudget({ limitBytes: aheadBytes }) });

describe('ChunkMemory', () => {
  it('uses a buffer again once any part of it was given back, and not before', () => {
    const memory = memoryOf();
    const first = memory.take(MIB + 4);
    expect(first).toHaveLength(MIB + 4);
    expect(memory.take(MIB + 4).buffer).not.toBe(first.buffer);
    memory.give(first.subarray(10, 20));
    const again = memory.take(MIB + 20);
    expect(again.buffer).toBe(first.buffer);
    expect(again).toHaveLength(MIB + 20);
  });

  it('lends a buffer to one at a time, however often it is given back', () => {
    const memory = memoryOf();
    const buffer = memory.take(MIB);
    memory.give(buffer);
    memory.give(buffer);
    expect(memory.take(MIB).buffer).not.toBe(memory.take(MIB).buffer);
  });

  it('takes what is not its own for nothing', () => {
    const memory = memoryOf();
    memory.give(Buffer.alloc(MIB));
    memory.give(memory.take(100));
    expect(memory.keptBytes).toBe(0);
  });

  it('keeps no more than it may', () => {
    const memory = memoryOf(3 * MIB);
    const buffers = Array.from({ length: 10 }, () => memory.take(MIB));
    for (const buffer of buffers) memory.give(buffer);
    expect(memory.keptBytes).toBeGreaterThan(0);
    expect(memory.keptBytes).toBeLessThanOrEqual(3 * MIB);
  });

  it.each([32 * 1024, 32 * 1024 + 1, 65_536, 65_540, 100_000, MIB, MIB + 20, 3 * MIB])('has %i bytes', (sizeBytes) => {
    expect(memoryOf().take(sizeBytes)).toHaveLength(sizeBytes);
  });

  it('has room to read ahead within the budget', () => {
    const memory = memoryOf(0, 2 * MIB);
    const first = memory.tryAhead(MIB);
    expect(first).not.toBeNull();
    expect(memory.tryAhead(MIB)).not.toBeNull();
    expect(memory.tryAhead(1)).toBeNull();
    first?.();
    expect(memory.tryAhead(MIB)).not.toBeNull();
  });
});
