// Parquet, written by hyparquet-writer, read page by page.
import type { SchemaElement } from 'hyparquet';
import type { ParquetWriteOptions } from 'hyparquet-writer';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { MemoryBudget } from '../../../src/data/budget.js';
import { messagesOf, PARQUET, refusal, select, TO_JSON } from './support.js';

type Columns = ParquetWriteOptions['columnData'];

function file(columnData: Columns, options: Partial<ParquetWriteOptions> = {}): Buffer {
  return Buffer.from(parquetWriteBuffer({ columnData, ...options }));
}

const query = (sql: string, data: Buffer, chunkBytes = 1000): Promise<string> =>
  select(sql, data, { input: PARQUET, output: TO_JSON, chunkBytes });

const PEOPLE = file([
  { name: 'name', data: ['Ada', 'Bob', null, 'ä😀'], type: 'STRING' },
  { name: 'Age', data: [36n, 7n, 8n, null], type: 'INT64' },
  { name: 'small', data: [1, -2, 3, 4], type: 'INT32' },
  { name: 'score', data: [1.5, 2, -0.25, 1e21], type: 'DOUBLE' },
  { name: 'ok', data: [true, false, true, null], type: 'BOOLEAN' },
  { name: 'at', data: [0, 1, 2, 3].map((day) => new Date(Date.UTC(2026, 0, 1 + day, 1, 2, 3, 4))), type: 'TIMESTAMP' },
]);

describe('columns', () => {
  it.each([
    [
      'SELECT name, Age FROM S3Object',
      '{"name":"Ada","Age":36}\n{"name":"Bob","Age":7}\n{"name":null,"Age":8}\n{"name":"ä😀","Age":null}\n',
    ],
    [
      'SELECT * FROM S3Object LIMIT 1',
      '{"name":"Ada","Age":36,"small":1,"score":1.5,"ok":true,"at":"2026-01-01T01:02:03.004Z"}\n',
    ],
    ['SELECT s.age / 2 AS half, s.score / 2 AS quarter FROM S3Object s WHERE s.age = 7', '{"half":3,"quarter":1}\n'],
    ['SELECT _1 FROM S3Object WHERE small < 0', '{"_1":"Bob"}\n'],
    ['SELECT name FROM S3Object WHERE at > `2026-01-03T`', '{"name":null}\n{"name":"ä😀"}\n'],
    ['SELECT EXTRACT(DAY FROM at) AS day FROM S3Object WHERE ok = FALSE', '{"day":2}\n'],
    [
      'SELECT COUNT(*), COUNT(name), SUM(Age), AVG(score), MAX(at) FROM S3Object WHERE small > 0 AND score < 10',
      '{"_1":2,"_2":1,"_3":44,"_4":0.625,"_5":"2026-01-03T01:02:03.004Z"}\n',
    ],
    ['SELECT COUNT(*) AS n FROM S3Object', '{"n":4}\n'],
    ["SELECT name FROM S3Object WHERE name = '7'", ''],
  ])('%s', async (sql, result) => {
    expect(await query(sql, PEOPLE)).toBe(result);
  });

  it('are the only ones', async () => {
    const refused = async (sql: string): Promise<string> => refusal(sql, PEOPLE, { input: PARQUET });
    expect(await refused('SELECT nobody FROM S3Object')).toMatch(/^EvaluatorBindingDoesNotExist/);
    expect(await refused('SELECT "age" FROM S3Object')).toMatch(/^EvaluatorBindingDoesNotExist/);
    expect(await refused('SELECT * FROM S3Object[*].name')).toMatch(/^InvalidKeyPath/);
  });

  it('keep decimals, dates and exact times', async () => {
    const schema: SchemaElement[] = [
      { name: 'root', num_children: 4 },
      { name: 'price', type: 'INT64', converted_type: 'DECIMAL', precision: 18, scale: 2, repetition_type: 'OPTIONAL' },
      { name: 'day', type: 'INT32', converted_type: 'DATE', repetition_type: 'REQUIRED' },
      { name: 'micros', type: 'INT64', converted_type: 'TIMESTAMP_MICROS', repetition_type: 'REQUIRED' },
      {
        name: 'nanos',
        type: 'INT64',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' },
        repetition_type: 'REQUIRED',
      },
    ];
    const day = new Date(Date.UTC(2026, 1, 3));
    const data = file(
      [
        { name: 'price', data: [12345.67, null] },
        { name: 'day', data: [day, day] },
        { name: 'micros', data: [day, day] },
        { name: 'nanos', data: [day, day] },
      ],
      { schema },
    );
    expect(await query('SELECT s.*, 1 AS one FROM S3Object s', data)).toBe(
      '{"price":12345.67,"day":"2026-02-03T","micros":"2026-02-03T00:00:00.000000Z","nanos":"2026-02-03T00:00:00.000000000Z","one":1}\n' +
        '{"price":null,"day":"2026-02-03T","micros":"2026-02-03T00:00:00.000000Z","nanos":"2026-02-03T00:00:00.000000000Z","one":1}\n',
    );
  });

  it('may be lists and structs', async () => {
    const schema: SchemaElement[] = [
      { name: 'root', num_children: 2 },
      { name: 'id', type: 'INT32', repetition_type: 'REQUIRED' },
      { name: 'tags', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
    ];
    const data = file(
      [
        { name: 'id', data: [1, 2, 3] },
        { name: 'tags', data: [['a', 'b'], [], ['c']] },
      ],
      { schema, rowGroupSize: 2 },
    );
    expect(await query('SELECT id, tags FROM S3Object', data)).toBe(
      '{"id":1,"tags":["a","b"]}\n{"id":2,"tags":[]}\n{"id":3,"tags":["c"]}\n',
    );
    expect(await query("SELECT id, s.tags[0] AS first FROM S3Object s WHERE 'b' IN s.tags", data)).toBe(
      '{"id":1,"first":"a"}\n',
    );
  });
});

describe('row groups and pages', () => {
  const rows = 30_000;
  const numbers = Array.from({ length: rows }, (_, index) => index);
  const columnData: Columns = [
    { name: 'id', data: numbers, type: 'INT32' },
    { name: 'text', data: numbers.map((index) => `text ${index} ${'x'.repeat(index % 50)}`), type: 'STRING' },
    { name: 'group', data: numbers.map((index) => (index % 10 === 0 ? null : `g${index % 7}`)), type: 'STRING' },
  ];
  const layouts: [string, Partial<ParquetWriteOptions>][] = [
    ['one group', {}],
    ['small groups', { rowGroupSize: 1000 }],
    ['small pages', { pageSize: 3000 }],
    ['uncompressed', { codec: 'UNCOMPRESSED', rowGroupSize: 7000, pageSize: 10_000 }],
  ];

  it.each(layouts)('%s', async (_, options) => {
    const data = file(columnData, options);
    const sql =
      'SELECT COUNT(*) AS n, SUM(id) AS sum, COUNT("group") AS g, MAX(text) AS t FROM S3Object WHERE id >= 15000';
    expect(await query(sql, data, 50_000)).toBe(
      '{"n":15000,"sum":337492500,"g":13500,"t":"text 29999 ' + 'x'.repeat(49) + '"}\n',
    );
    const lines = (await query('SELECT id, "group", text FROM S3Object', data, 50_000)).split('\n');
    expect(lines).toHaveLength(rows + 1);
    expect(lines[12_345]).toBe(
      JSON.stringify({ id: 12_345, group: `g${12_345 % 7}`, text: `text 12345 ${'x'.repeat(45)}` }),
    );
  });

  it('columns that are not named are not read', async () => {
    const data = file(columnData, { codec: 'UNCOMPRESSED' });
    let readBytes = 0;
    const options = { input: PARQUET, onRead: (bytes: number): void => void (readBytes += bytes) };
    expect(await select('SELECT SUM(id) FROM S3Object', data, options)).toBe('449985000\n');
    expect(readBytes).toBeLessThan(data.length / 3);
  });

  it('a scan range takes the groups that begin in it', async () => {
    const data = file([{ name: 'id', data: numbers, type: 'INT32' }], { rowGroupSize: 10_000, codec: 'UNCOMPRESSED' });
    const counts = [];
    const half = Math.floor(data.length / 2);
    for (const scanRange of [
      { start: 0, end: half },
      { start: half + 1, end: null },
      { start: 0, end: 10 },
    ])
      counts.push(Number(await select('SELECT COUNT(*) FROM S3Object', data, { input: PARQUET, scanRange })));
    expect(counts).toEqual([20_000, 10_000, 10_000]);
  });

  it('memory comes from the budget, and goes back to it whatever happens', async () => {
    const budget = new MemoryBudget({ limitBytes: 2 ** 27 });
    const data = file(columnData, { rowGroupSize: 5000 });
    const messages = messagesOf('SELECT * FROM S3Object', data, { input: PARQUET, budget });
    expect((await messages.next()).done).toBe(false);
    expect(budget.usedBytes).toBeGreaterThan(0);
    await messages.return(undefined);
    expect(budget.usedBytes).toBe(0);
    expect(await refusal('SELECT id / 0 FROM S3Object', data, { input: PARQUET, budget })).toMatch(
      /^ExternalEvalException/,
    );
    expect(budget.usedBytes).toBe(0);
  });
});

describe('what is no Parquet', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('a,b\n'.repeat(100))],
    ['a file that is cut off', PEOPLE.subarray(0, -10)],
    ['a file without its beginning', PEOPLE.subarray(200)],
  ])('%s', async (_, data) => {
    expect(await refusal('SELECT * FROM S3Object', data, { input: PARQUET })).toMatch(/^ParquetParsingError: /);
  });

  it('damage anywhere is an error or other values, never a crash or endless memory', async () => {
    const budget = new MemoryBudget({ limitBytes: 2 ** 27 });
    let refused = 0;
    for (let index = 0; index < PEOPLE.length; index += 1) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const damaged = Buffer.from(PEOPLE);
        damaged[index] = (damaged[index] ?? 0) ^ flip;
        const answer = await refusal('SELECT * FROM S3Object', damaged, { input: PARQUET, budget }).catch(
          (error: unknown) => {
            if (error instanceof Error && error.message.startsWith('the query succeeded')) return null;
            throw error;
          },
        );
        if (answer === null) continue;
        refused += 1;
        expect(answer).toMatch(/^(Parquet|OverMaxParquetBlockSize|UnsupportedParquetType|ValueParseFailure)/);
      }
    }
    expect(refused).toBeGreaterThan(PEOPLE.length / 2);
    expect(budget.usedBytes).toBe(0);
  });

  it('pages above the memory of a query are refused', async () => {
    const data = file(
      [{ name: 'text', data: ['a', 'b', 'c', 'd', 'e'].map((letter) => letter.repeat(9_000_000)), type: 'STRING' }],
      { codec: 'UNCOMPRESSED', pageSize: 2 ** 26 },
    );
    const budget = new MemoryBudget({ limitBytes: 2 ** 26 });
    expect(await refusal('SELECT CHAR_LENGTH(text) FROM S3Object', data, { input: PARQUET, budget })).toMatch(
      /^OverMaxParquetBlockSize/,
    );
  });
});
