// CSV in and out, whatever the pieces in which it comes.
import { describe, expect, it } from 'vitest';
import type { CsvInput } from '../../../src/select/types.js';
import { CSV, HEADED, refusal, select, TO_CSV, TO_JSON } from './support.js';

const ALL = 'SELECT * FROM S3Object';

/** The fields that are read, as lists in JSON, in pieces of every small size. */
async function fieldsOf(data: string, options: Partial<CsvInput> = {}): Promise<string[][]> {
  const input = { ...CSV, ...options };
  const answers = await Promise.all(
    [1, 2, 3, 5, 1000].map((chunkBytes) => select(ALL, data, { input, output: TO_JSON, chunkBytes })),
  );
  expect(new Set(answers).size).toBe(1);
  const lines = (answers[0] ?? '').split('\n').slice(0, -1);
  return lines.map((line) => Object.values(JSON.parse(line) as Record<string, string>));
}

describe('input', () => {
  it.each<[string, string, Partial<CsvInput>, string[][]]>([
    [
      'plain records',
      'a,b\nc,d\n',
      {},
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    [
      'a last record without delimiter',
      'a,b\nc,d',
      {},
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    [
      'empty fields',
      ',\n,,\n',
      {},
      [
        ['', ''],
        ['', '', ''],
      ],
    ],
    ['empty lines left out', 'a\n\n\nb\n', {}, [['a'], ['b']]],
    [
      'carriage returns before line feeds',
      'a,b\r\n"c","d"\r\n"e",f\r\n',
      {},
      [
        ['a', 'b'],
        ['c', 'd'],
        ['e', 'f'],
      ],
    ],
    ['a carriage return within', 'a\rb,c\n', {}, [['a\rb', 'c']]],
    ['quotes', '"a,b","c ""d"" e",""\n', {}, [['a,b', 'c "d" e', '']]],
    ['a quote within a field', '5" pipe,6"\n', {}, [['5" pipe', '6"']]],
    [
      'quoted delimiters',
      '"a\nb",c\r\n"d\r\ne",f\n',
      { allowQuotedRecordDelimiter: true },
      [
        ['a\nb', 'c'],
        ['d\r\ne', 'f'],
      ],
    ],
    ['quoted delimiters at the end', 'x,"a\n\n"', { allowQuotedRecordDelimiter: true }, [['x', 'a\n\n']]],
    ['an escape character', '"a\\"b","c\\\\","d\\e"\n', { quoteEscapeCharacter: '\\' }, [['a"b', 'c\\', 'd\\e']]],
    [
      'other characters',
      "a|'b|c';#x|d;*note;e|f;",
      { fieldDelimiter: '|', recordDelimiter: ';', quoteCharacter: "'", comments: '*' },
      [
        ['a', 'b|c'],
        ['#x', 'd'],
        ['e', 'f'],
      ],
    ],
    [
      'two characters between records',
      'a,"b"\r\nc,d\r\n',
      { recordDelimiter: '\r\n' },
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['no quotes', '"a","b"\n', { quoteCharacter: '', quoteEscapeCharacter: '' }, [['"a"', '"b"']]],
    ['comments', '#a "comment\na,b\n# another\n', {}, [['a', 'b']]],
    ['no comments', '#a,b\n', { comments: '' }, [['#a', 'b']]],
    [
      'characters of several bytes',
      'ä,😀\n"ü€",ß\n',
      {},
      [
        ['ä', '😀'],
        ['ü€', 'ß'],
      ],
    ],
    ['a byte order mark', '\ufeffa,b\n', {}, [['a', 'b']]],
  ])('has %s', async (_, data, options, fields) => {
    expect(await fieldsOf(data, options)).toEqual(fields);
  });

  it.each<[string, Buffer | string, Partial<CsvInput>, string]>([
    ['a quoted delimiter', '"a\nb",c\n', {}, 'CSVEscapingRecordDelimiter'],
    ['a quote that is not closed', '"a\nb,c\n', { allowQuotedRecordDelimiter: true }, 'CSVUnescapedQuote'],
    ['text after a closing quote', '"a"b,c\n', {}, 'CSVUnescapedQuote'],
    ['a long record', `${'x'.repeat(1024 * 1024 + 1)}\n`, {}, 'OverMaxRecordSize'],
    [
      'a long quoted record',
      `"${'x,'.repeat(1024 * 1024)}\n`,
      { allowQuotedRecordDelimiter: true },
      'OverMaxRecordSize',
    ],
    ['bytes that are no UTF-8', Buffer.from([0x61, 0xff, 0x0a]), {}, 'InvalidTextEncoding'],
    ['a character that is cut off', Buffer.from([0x61, 0xe2, 0x82]), {}, 'InvalidTextEncoding'],
  ])('refuses %s', async (_, data, options, code) => {
    for (const chunkBytes of [1000, 100_000])
      expect(await refusal(ALL, data, { input: { ...CSV, ...options }, chunkBytes })).toMatch(new RegExp(`^${code}: `));
  });

  it('takes no longer for many fields than for few', async () => {
    const unquoted = `"x",${'a,'.repeat(250_000)}`;
    const quoted = '"a",'.repeat(125_000);
    for (const record of [unquoted, quoted]) {
      const input = { ...CSV, allowQuotedRecordDelimiter: true, quoteEscapeCharacter: '\\' };
      expect(await select('SELECT COUNT(*) FROM S3Object', record, { input })).toBe('1\n');
    }
  });

  it('takes records of 1 MiB', async () => {
    const record = 'x'.repeat(1024 * 1024 - 1);
    expect(await select('SELECT CHAR_LENGTH(_1) FROM S3Object', `${record}\n`, { chunkBytes: 70_000 })).toBe(
      '1048575\n',
    );
  });
});

describe('header', () => {
  const data = 'Name,"the age",name\nAda,36,x\n';

  it('names columns with USE, is left out with IGNORE, is a record with NONE', async () => {
    expect(await select('SELECT s."the age" FROM S3Object s', data, { input: HEADED })).toBe('36\n');
    expect(await select('SELECT _2 FROM S3Object', data, { input: { ...CSV, fileHeaderInfo: 'IGNORE' } })).toBe('36\n');
    expect(await select('SELECT _2 FROM S3Object', data)).toBe('the age\n36\n');
  });

  it('tells names by case when they are quoted, and only then', async () => {
    expect(await select('SELECT "Name", "name" FROM S3Object', data, { input: HEADED })).toBe('Ada,x\n');
    expect(await refusal('SELECT name FROM S3Object', data, { input: HEADED })).toMatch(/^AmbiguousFieldName/);
    expect(await refusal('SELECT "NAME" FROM S3Object', data, { input: HEADED })).toMatch(
      /^EvaluatorBindingDoesNotExist/,
    );
  });

  it('may be all there is, or missing', async () => {
    expect(await select('SELECT a FROM S3Object', 'a,b\n', { input: HEADED })).toBe('');
    expect(await select('SELECT a FROM S3Object', '', { input: HEADED })).toBe('');
    expect(await select('SELECT COUNT(*) FROM S3Object', '', { input: HEADED })).toBe('0\n');
  });
});

describe('text that is compared with other types', () => {
  const data = '10,2020-01-01T00:00Z,true\n9,2021-01-01T00:00Z,false\nx,y,z\n';

  it.each([
    ['_1 > 9', '10\n'],
    ['_1 = 9.0', '9\n'],
    ['_1 <> 9', '10\nx\n'],
    ["_1 > '1'", '10\n9\nx\n'],
    ['_1 BETWEEN 9 AND 10', '10\n9\n'],
    ['_1 IN (9, 11)', '9\n'],
    ['_2 > `2020-06-01T`', '9\n'],
    ['_3 = TRUE', '10\n'],
    ['_1 < _2', '10\nx\n'],
  ])('WHERE %s', async (condition, result) => {
    expect(await select(`SELECT _1 FROM S3Object WHERE ${condition}`, data)).toBe(result);
  });
});

describe('output', () => {
  const data = '{"a":"x,y","b":"say \\"hi\\"","c":null,"d":[1,{"e":"f"}],"g":true,"h":"two\\nlines","i":1.5}';
  const input = { kind: 'json', type: 'LINES' } as const;

  it.each<[string, Partial<typeof TO_CSV>, string]>([
    ['quotes where needed', {}, '"x,y","say ""hi""",,"[1,{""e"":""f""}]",true,"two\nlines",1.5\n'],
    [
      'quotes always',
      { quoteFields: 'ALWAYS' },
      '"x,y","say ""hi""","","[1,{""e"":""f""}]","true","two\nlines","1.5"\n',
    ],
    [
      'other characters',
      { fieldDelimiter: '|', recordDelimiter: '\r\n', quoteCharacter: "'", quoteEscapeCharacter: '\\' },
      'x,y|say "hi"||[1,{"e":"f"}]|true|\'two\nlines\'|1.5\r\n',
    ],
    [
      'an escape character',
      { quoteEscapeCharacter: '\\', quoteFields: 'ALWAYS' },
      '"x,y","say \\"hi\\"","","[1,{\\"e\\":\\"f\\"}]","true","two\nlines","1.5"\n',
    ],
  ])('has %s', async (_, options, result) => {
    expect(await select(ALL, data, { input, output: { ...TO_CSV, ...options } })).toBe(result);
  });

  it('reads back as what it was', async () => {
    const records = [
      ['a"b', 'c,d'],
      ['e\nf', ' g '],
      ['', '#'],
    ];
    const written = records
      .map((fields) => fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(','))
      .join('\n');
    const options = { input: { ...CSV, allowQuotedRecordDelimiter: true } };
    const once = await select(ALL, written, options);
    expect(await fieldsOf(once, { allowQuotedRecordDelimiter: true })).toEqual(records);
  });

  it('has no records above 1 MiB', async () => {
    const sql = `SELECT ${Array.from({ length: 20 }, () => '_1').join(',')} FROM S3Object`;
    const record = `${'x'.repeat(60_000)}\n`;
    expect(await refusal(sql, record)).toMatch(/^OverMaxRecordSize/);
    expect(await refusal(sql, record, { output: TO_JSON })).toMatch(/^OverMaxRecordSize/);
  });
});
