// JSON in and out, whatever the pieces in which it comes.
import { describe, expect, it } from 'vitest';
import type { SelectInput } from '../../../src/select/types.js';
import { DOCUMENT, LINES, refusal, select, TO_JSON } from './support.js';

const ALL = 'SELECT * FROM S3Object';

async function recordsOf(data: string, input: SelectInput): Promise<string> {
  const answers = await Promise.all(
    [1, 2, 3, 7, 1000].map((chunkBytes) => select(ALL, data, { input, output: TO_JSON, chunkBytes })),
  );
  expect(new Set(answers).size).toBe(1);
  return answers[0] ?? '';
}

describe('lines', () => {
  it.each([
    ['{"a":1}\n{"b":"ä😀"}\n', '{"a":1}\n{"b":"ä😀"}\n'],
    ['{"a":1}\r\n\n  {"b":[1, 2]}  ', '{"a":1}\n{"b":[1,2]}\n'],
    ['{"a":{"b":null,"c":[true,false]}}', '{"a":{"b":null,"c":[true,false]}}\n'],
    ['{"quote\\"d":"line\\nfeed"}', '{"quote\\"d":"line\\nfeed"}\n'],
    ['{"__proto__":{"x":1},"constructor":2}', '{"__proto__":{"x":1},"constructor":2}\n'],
    ['7\n"x"\n[1]\nnull\n', '{"_1":7}\n{"_1":"x"}\n{"_1":[1]}\n{"_1":null}\n'],
    ['{}\n', '{}\n'],
    ['', ''],
  ])('%j', async (data, result) => {
    expect(await recordsOf(data, LINES)).toBe(result);
  });

  it.each(['{"a":1', '{"a":1} x', '{a:1}', '{"a":1234567890123456789,}', '[1,,1234567890123456789]'])(
    'refuses %s',
    async (data) => {
      expect(await refusal(ALL, data, { input: LINES })).toMatch(/^JSONParsingError: /);
    },
  );

  it('keeps numbers that a double cannot hold', async () => {
    const data = '{"id":12345678901234567890,"n":[0.12345678901234567890123,1e400],"s":"\\u00e9 \\\\","t":true}\n';
    expect(await recordsOf(data, LINES)).toBe(
      '{"id":12345678901234567890,"n":[0.12345678901234567890123,1E400],"s":"é \\\\","t":true}\n',
    );
    const sql = 'SELECT s.id + 1 AS next FROM S3Object s WHERE s.id = 12345678901234567890';
    expect(await select(sql, data, { input: LINES, output: TO_JSON })).toBe('{"next":12345678901234567891}\n');
  });

  it('does not take lines above 1 MiB', async () => {
    const data = `{"a":"${'x'.repeat(1024 * 1024)}"}\n`;
    expect(await refusal('SELECT 1 FROM S3Object', data, { input: LINES, chunkBytes: 100_000 })).toMatch(
      /^OverMaxRecordSize/,
    );
  });

  it('does not take what nests without end', async () => {
    const data = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(await refusal(ALL, data, { input: LINES, output: TO_JSON })).toMatch(/^JSONParsingError/);
  });
});

describe('documents', () => {
  it.each([
    ['{"a":\n 1}\n\n{"b":"}{\\"]["}', '{"a":1}\n{"b":"}{\\"]["}\n'],
    ['{"a":1}{"b":2}[{"c":3}]', '{"a":1}\n{"b":2}\n{"c":3}\n'],
    [
      '[ {"a":1} , {"b":[[],{}]}, "x\\\\", 7, null ,true]',
      '{"a":1}\n{"b":[[],{}]}\n{"_1":"x\\\\"}\n{"_1":7}\n{"_1":null}\n{"_1":true}\n',
    ],
    ['[]', ''],
    ['12 34 "a""b"', '{"_1":12}\n{"_1":34}\n{"_1":"a"}\n{"_1":"b"}\n'],
    ['true', '{"_1":true}\n'],
    ['  \n', ''],
  ])('%j', async (data, result) => {
    expect(await recordsOf(data, DOCUMENT)).toBe(result);
  });

  it.each(['{"a":1', '[1', '[1,]', '[,1]', '[1 2]', ']', '{"a":1}}', '"x', ',', 'tru', '{"a" 1}'])(
    'refuses %s',
    async (data) => {
      for (const chunkBytes of [1, 100])
        expect(await refusal(ALL, data, { input: DOCUMENT, chunkBytes })).toMatch(/^JSONParsingError: /);
    },
  );

  it('a list is read element by element, however long it is', async () => {
    const elements = Array.from({ length: 50_000 }, (_, index) => JSON.stringify({ index, text: 'x'.repeat(30) }));
    const data = `[${elements.join(',\n')}]`;
    expect(data.length).toBeGreaterThan(2 * 1024 * 1024);
    const sql = 'SELECT COUNT(*) AS n, SUM(s.index) AS sum FROM S3Object[*] s';
    expect(await select(sql, data, { input: DOCUMENT, output: TO_JSON, chunkBytes: 30_000 })).toBe(
      '{"n":50000,"sum":1249975000}\n',
    );
    const large = `{"a":[${elements.join(',')}]}`;
    expect(await refusal(sql, large, { input: DOCUMENT })).toMatch(/^OverMaxRecordSize/);
  });
});

describe('output', () => {
  it('separates records as asked', async () => {
    const output = { kind: 'json', recordDelimiter: ';' } as const;
    expect(await select('SELECT s.a FROM S3Object s', '{"a":1}\n{"a":"x"}\n{}', { input: LINES, output })).toBe(
      '{"a":1};{"a":"x"};{};',
    );
  });
});
