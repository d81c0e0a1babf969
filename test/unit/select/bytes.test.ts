// Compression and scan ranges: which bytes become which records.
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bunzip2 } from '../../../src/select/bzip2.js';
import type { ScanRange } from '../../../src/select/types.js';
import { CSV, DOCUMENT, HEADED, LINES, refusal, select } from './support.js';

const ALL = 'SELECT * FROM S3Object';

/** 362,309 bytes, made by bzip2 -1: several blocks. */
const BLOCKS = Buffer.from(
  'QlpoMTFBWSZTWXue2OAAKNz/gBJZJJJJJP/pJJJJJJJAAEBQBH4AAAAADGjRoBkyGjEaaBpgY0aNAMmQ0YjTQNMDGjRoBkyGjEaaBpgY0aNAMmQ0YjTQNMApSmSCpkGgYg3qT0Eemp6RKvRCdPZQnqQnrQn3oT8EJ+KE/JCexCdUJ+aE/ZCeuhPchP5Qn9oT4ITwhPihP8QnkhPkhPmhPbQn0Qn1Qn+oT/kJ5oT7IT0QnihPjQnhCeSE+SE+aE91SqX0oTEJlCfWhPNCYhMQnmhPNCfZCcoTVCaITEJ8KE8ITaE5QnhCeiExCYhOUJyhNoTlCcITSE7ITuhMQmITVCaQnRCdUJ3oTuhOlCZQm6E60J0oTEJ1QnchOEJ3QnZCdiExCdkJpCdyExCcITSE2QmITSE5QnQhOqE4QnZCYhO6E7ITshPuQnlQnpQnqQm0J3QmITghMQmqExCaQmkJuhOEJohMQnCE2hMITEJhCYhMITBCZITFFXKE5Qm0JyhN0JhCYQnJCYITJCYhMITEJhCYhMITEJpCbQm0JqhOEJshMQnCE4ITFFWEJiEwhMITCE0hOKE2hNoTdCYQmITlCboTlCcoTlCZITEJiE4QmkJlCaQmiExCcITSE0hOEJiE5ITEJyhNoTaE0ITEJwhNyE3QlFZQmQITEkKf+LuSKcKEg9z2xwA=',
  'base64',
);
const BLOCK_LINES = Array.from(
  { length: 6000 },
  (_, index) => `${index % 37},${(index * index) % 37},${'x'.repeat((index % 37) * 3)}\n`,
).join('');
/** Two streams: 'a,b\\n1,2\\n' and 'aaaaaaaa,' with 700 z and a line feed. */
const STREAMS = Buffer.from(
  'QlpoOTFBWSZTWb+HQH8AAANZAAAQAAQwADAAIAAwwAhpsogjJ4u5IpwoSF/DoD+AQlpoNTFBWSZTWfIsMeUAAANRiIQQAAQgAAAQABAACCAAIZMEIYB1IvC4A+LuSKcKEh5Fhjyg',
  'base64',
);
const EMPTY_BZIP2 = Buffer.from('QlpoORdyRThQkAAAAAA=', 'base64');

describe('GZIP', () => {
  const text = Array.from({ length: 20_000 }, (_, index) => `${index},ä${index % 7}\n`).join('');

  it('is decompressed as it comes, several members too', async () => {
    const data = Buffer.concat([gzipSync(text.slice(0, 1000)), gzipSync(text.slice(1000))]);
    expect(await select(ALL, data, { compression: 'GZIP', chunkBytes: 999 })).toBe(text);
  });

  it('has to be whole and to be GZIP', async () => {
    const data = gzipSync(text);
    expect(await refusal(ALL, data.subarray(0, -20), { compression: 'GZIP' })).toMatch(/^TruncatedInput/);
    expect(await refusal(ALL, text, { compression: 'GZIP' })).toMatch(/^InvalidCompressionFormat/);
  });

  it('is read no further than LIMIT needs', async () => {
    let readBytes = 0;
    const data = gzipSync(Buffer.from(text.repeat(20)), { level: 0 });
    const onRead = (bytes: number): void => void (readBytes += bytes);
    expect(await select(`${ALL} LIMIT 1`, data, { compression: 'GZIP', chunkBytes: 10_000, onRead })).toBe('0,ä0\n');
    expect(readBytes).toBeLessThan(data.length / 2);
  });
});

/** What is decompressed, 'refused' when the data is found to be damaged. */
async function unpacked(data: Buffer): Promise<string> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of bunzip2(Readable.from([data]))) pieces.push(piece);
  } catch (error) {
    expect(error).toMatchObject({
      code: expect.stringMatching(/^(TruncatedInput|InvalidCompressionFormat)$/) as string,
    });
    return 'refused';
  }
  return Buffer.concat(pieces).toString();
}

describe('BZIP2', () => {
  it.each([1, 1000, 1_000_000])('is decompressed from pieces of %i bytes', async (chunkBytes) => {
    expect(await select(ALL, BLOCKS, { compression: 'BZIP2', chunkBytes })).toBe(BLOCK_LINES);
    expect(await select(ALL, STREAMS, { compression: 'BZIP2', chunkBytes })).toBe(
      `a,b\n1,2\naaaaaaaa,${'z'.repeat(700)}\n`,
    );
    expect(await select(ALL, EMPTY_BZIP2, { compression: 'BZIP2', chunkBytes })).toBe('');
  });

  it('has to be whole and to be BZIP2', async () => {
    const options = { compression: 'BZIP2' } as const;
    for (const cut of [4, 30, BLOCKS.length - 1])
      expect(await refusal(ALL, BLOCKS.subarray(0, cut), options)).toMatch(/^TruncatedInput/);
    expect(await refusal(ALL, 'a,b\n1,2\n', options)).toMatch(/^InvalidCompressionFormat/);
    const whole = Buffer.from(`a,b\n1,2\naaaaaaaa,${'z'.repeat(700)}\n`);
    expect(await unpacked(STREAMS)).toBe(whole.toString());
    for (let index = 4; index < STREAMS.length; index += 1) {
      const damaged = Buffer.from(STREAMS);
      damaged[index] = (damaged[index] ?? 0) ^ 0x10;
      // The last bits of a stream mean nothing, and its own CRC only repeats those of its blocks: damage there changes nothing.
      expect(['refused', whole.toString()]).toContain(await unpacked(damaged));
    }
  });
});

describe('scan ranges', () => {
  //            0123 4567 8901 2345
  const data = 'aaa\nbbb\nccc\nddd\n';

  it.each<[ScanRange, string]>([
    [{ start: 0, end: 0 }, 'aaa\n'],
    [{ start: 0, end: 3 }, 'aaa\n'],
    [{ start: 0, end: 4 }, 'aaa\nbbb\n'],
    [{ start: 1, end: 4 }, 'bbb\n'],
    [{ start: 1, end: 3 }, ''],
    [{ start: 4, end: 4 }, 'bbb\n'],
    [{ start: 4, end: null }, 'bbb\nccc\nddd\n'],
    [{ start: 5, end: 1000 }, 'ccc\nddd\n'],
    [{ start: null, end: 4 }, 'ddd\n'],
    [{ start: null, end: 5 }, 'ddd\n'],
    [{ start: null, end: 9 }, 'ccc\nddd\n'],
    [{ start: null, end: 1000 }, data],
    [{ start: null, end: null }, data],
    [{ start: 13, end: 15 }, ''],
  ])('%j', async (scanRange, result) => {
    for (const chunkBytes of [1, 2, 3, 100]) {
      expect(await select(ALL, data, { scanRange, chunkBytes })).toBe(result);
      expect(
        await select('SELECT * FROM S3Object', data.replaceAll(/\w/g, '1'), { scanRange, input: LINES, chunkBytes }),
      ).toBe(result.replaceAll(/\w/g, '1'));
    }
  });

  it('adjacent ranges give every record once, whatever its length', async () => {
    const text = Array.from({ length: 200 }, (_, index) => `${index},${'x'.repeat((index * 7) % 31)}\r\n`).join('');
    const input = { ...CSV, recordDelimiter: '\r\n' };
    for (const size of [1, 10, 37, 500]) {
      let joined = '';
      for (let start = 0; start < text.length; start += size)
        joined += await select(ALL, text, { input, scanRange: { start, end: start + size - 1 }, chunkBytes: 13 });
      expect(joined).toBe(text.replaceAll('\r\n', '\n'));
    }
  });

  it('the header is that of the object', async () => {
    const table = 'id,name\n1,a\n2,b\n';
    const sql = 'SELECT name FROM S3Object';
    expect(await select(sql, table, { input: HEADED, scanRange: { start: 12, end: 20 } })).toBe('b\n');
    expect(await select(sql, table, { input: HEADED, scanRange: { start: 0, end: 8 } })).toBe('a\n');
  });

  it('are refused where records cannot be found, and beyond the object', async () => {
    const scanRange = { start: 1, end: 2 };
    expect(await refusal(ALL, '{}', { input: DOCUMENT, scanRange })).toMatch(/^UnsupportedScanRangeInput/);
    expect(await refusal(ALL, data, { compression: 'GZIP', scanRange })).toMatch(/^UnsupportedScanRangeInput/);
    const quoted = { ...CSV, allowQuotedRecordDelimiter: true };
    expect(await refusal(ALL, data, { input: quoted, scanRange })).toMatch(/^UnsupportedScanRangeInput/);
    for (const wrong of [
      { start: 16, end: null },
      { start: 3, end: 2 },
      { start: null, end: 0 },
    ])
      expect(await refusal(ALL, data, { scanRange: wrong })).toMatch(/^InvalidScanRange/);
  });
});
