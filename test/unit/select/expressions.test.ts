// Expressions, most of the examples being those of AWS's SQL reference.
import { describe, expect, it } from 'vitest';
import { evaluate, holds, refusal, LINES } from './support.js';

const RECORD = JSON.stringify({
  name: 'Ada',
  age: 36,
  price: 10.5,
  big: 1,
  nothing: null,
  tags: ['a', 'b', 3],
  nested: { deep: [{ x: 1 }, { x: 2 }] },
  at: '2017-01-02T03:04:05.006Z',
  flag: true,
  emoji: 'a😀b',
});

describe.each<[string, readonly (readonly [string, string])[]]>([
  [
    'literals',
    [
      ["'it''s'", '"it\'s"'],
      ['42', '42'],
      ['-42', '-42'],
      ['- - 42', '42'],
      ['1.50', '1.50'],
      ['.5', '0.5'],
      ['1e3', '1000'],
      ['TRUE', 'true'],
      ['false', 'false'],
      ['NULL', 'null'],
      ['MISSING', 'MISSING'],
      ['`2010-01-01T`', '"2010-01-01T"'],
      ['`2010-01-01`', '"2010-01-01T"'],
      ['`1.5`', '1.5'],
      ['`true`', 'true'],
      ['`"text"`', '"text"'],
      ['/* comment */ 1 -- and one more\n', '1'],
      ['9223372036854775807', '9223372036854775807'],
    ],
  ],
  [
    'arithmetic',
    [
      ['1 + 2 * 3', '7'],
      ['(1 + 2) * 3', '9'],
      ['7 / 2', '3'],
      ['7 % 4', '3'],
      ['-7 % 4', '-3'],
      ['10 - 3 - 2', '5'],
      ['7.0 / 2', '3.5'],
      ['1 / 3.0', '0.33333333333333333333333333333333333333'],
      ['2.0 / 3', '0.66666666666666666666666666666666666667'],
      ['0.1 + 0.2', '0.3'],
      ['7.5 % 2', '1.5'],
      ['CAST(0.1 AS FLOAT) + CAST(0.2 AS FLOAT)', '0.30000000000000004'],
      ['CAST(7 AS FLOAT) / 2', '3.5'],
      ['s.price * 2', '21.0'],
      ['s.age + s.nothing', 'null'],
      ['s.age + s.unknown', 'MISSING'],
      ['-s.age', '-36'],
      ['1e30 * 1e30', '1E60'],
      ['99999999999999999999 + 1', '100000000000000000000'],
      ['123456789012345678901234567890.5 - 0.5', '123456789012345678901234567890.0'],
    ],
  ],
  [
    'paths',
    [
      ['s.name', '"Ada"'],
      ['s.NAME', '"Ada"'],
      ['name', '"Ada"'],
      ['s."name"', '"Ada"'],
      ['s."NAME"', 'MISSING'],
      ["s['name']", '"Ada"'],
      ['s.tags[1]', '"b"'],
      ['s.tags[2]', '3'],
      ['s.tags[9]', 'MISSING'],
      ['s.nested.deep[1].x', '2'],
      ['s.nested', '{"deep":[{"x":1},{"x":2}]}'],
      ['s.tags', '["a","b",3]'],
      ['s.name.first', 'MISSING'],
      ['s.nothing', 'null'],
    ],
  ],
  [
    'CAST',
    [
      ["CAST('12' AS INT)", '12'],
      ["CAST(' 12 ' AS INTEGER)", '12'],
      ['CAST(12.9 AS INT)', '12'],
      ['CAST(-12.9 AS INT)', '-12'],
      ['CAST(TRUE AS INT)', '1'],
      ["CAST('1.25' AS DECIMAL)", '1.25'],
      ["CAST('1.25' AS DECIMAL(10, 2))", '1.25'],
      ["CAST('1.25' AS FLOAT)", '1.25'],
      ["CAST('1e400' AS DECIMAL)", '1E400'],
      ["CAST('1.5' AS DOUBLE PRECISION)", '1.5'],
      ['CAST(12 AS STRING)', '"12"'],
      ['CAST(TRUE AS VARCHAR(5))', '"true"'],
      ["CAST('true' AS BOOL)", 'true'],
      ["CAST('FALSE' AS BOOLEAN)", 'false'],
      ['CAST(0 AS BOOL)', 'false'],
      ["CAST('2007-04-05T14:30Z' AS TIMESTAMP)", '"2007-04-05T14:30Z"'],
      ["CAST('2007-04-05T14:30:01.5+02:00' AS TIMESTAMP)", '"2007-04-05T14:30:01.5+02:00"'],
      ['CAST(NULL AS INT)', 'null'],
      ['CAST(s.unknown AS INT)', 'MISSING'],
    ],
  ],
  [
    'conditional functions',
    [
      ['COALESCE(1)', '1'],
      ['COALESCE(NULL)', 'null'],
      ['COALESCE(NULL, NULL)', 'null'],
      ['COALESCE(MISSING)', 'null'],
      ['COALESCE(1, NULL)', '1'],
      ['COALESCE(NULL, NULL, 1)', '1'],
      ["COALESCE(NULL, 'string')", '"string"'],
      ['COALESCE(MISSING, 1)', '1'],
      ['NULLIF(1, 2)', '1'],
      ['NULLIF(1, 1)', 'null'],
      ["NULLIF(1, '1')", '1'],
      ['NULLIF(NULL, 1)', 'null'],
      ["CASE WHEN s.age > 30 THEN 'old' ELSE 'young' END", '"old"'],
      ["CASE WHEN s.age > 40 THEN 'old' END", 'null'],
      ["CASE s.name WHEN 'Bob' THEN 1 WHEN 'Ada' THEN 2 ELSE 3 END", '2'],
    ],
  ],
  [
    'string functions',
    [
      ["CHAR_LENGTH('')", '0'],
      ["CHAR_LENGTH('abcdefg')", '7'],
      ['CHARACTER_LENGTH(s.emoji)', '3'],
      ["LOWER('AbCdEfG!@#$')", '"abcdefg!@#$"'],
      ["UPPER('AbCdEfG!@#$')", '"ABCDEFG!@#$"'],
      ["SUBSTRING('123456789', 0)", '"123456789"'],
      ["SUBSTRING('123456789', 1)", '"123456789"'],
      ["SUBSTRING('123456789', 2)", '"23456789"'],
      ["SUBSTRING('123456789', -4)", '"123456789"'],
      ["SUBSTRING('123456789', 0, 999)", '"123456789"'],
      ["SUBSTRING('123456789', 1, 5)", '"12345"'],
      ["SUBSTRING('123456789' FROM 2 FOR 3)", '"234"'],
      ["SUBSTRING('123456789', 20)", '""'],
      ['SUBSTRING(s.emoji, 2, 1)', '"😀"'],
      ["TRIM('       foobar         ')", '"foobar"'],
      ["TRIM('      \tfoobar\t         ')", '"\\tfoobar\\t"'],
      ["TRIM(LEADING FROM '       foobar         ')", '"foobar         "'],
      ["TRIM(TRAILING FROM '       foobar         ')", '"       foobar"'],
      ["TRIM(BOTH FROM '       foobar         ')", '"foobar"'],
      ["TRIM(BOTH '12' FROM '1112211foobar22211122')", '"foobar"'],
      ["TRIM('12' FROM '1112211foobar22211122')", '"foobar"'],
      ["'a' || 'b' || 1", '"ab1"'],
      ['LOWER(NULL)', 'null'],
      ['UPPER(s.unknown)', 'MISSING'],
    ],
  ],
  [
    'date functions',
    [
      ['DATE_ADD(year, 5, `2010-01-01T`)', '"2015-01-01T"'],
      ['DATE_ADD(month, 1, `2010T`)', '"2010-02T"'],
      ['DATE_ADD(month, 13, `2010T`)', '"2011-02T"'],
      ['DATE_ADD(day, -1, `2017-01-10T`)', '"2017-01-09T"'],
      ['DATE_ADD(hour, 1, `2017T`)', '"2017-01-01T01:00-00:00"'],
      ['DATE_ADD(hour, 1, `2017-01-02T03:04Z`)', '"2017-01-02T04:04Z"'],
      ['DATE_ADD(minute, 1, `2017-01-02T03:04:05.006Z`)', '"2017-01-02T03:05:05.006Z"'],
      ['DATE_ADD(second, 1, `2017-01-02T03:04:05.006Z`)', '"2017-01-02T03:04:06.006Z"'],
      ['DATE_ADD(month, 1, `2016-01-31T`)', '"2016-02-29T"'],
      ['DATE_DIFF(year, `2010-01-01T`, `2011-01-01T`)', '1'],
      ['DATE_DIFF(month, `2010T`, `2010-05T`)', '4'],
      ['DATE_DIFF(month, `2010T`, `2011T`)', '12'],
      ['DATE_DIFF(month, `2011T`, `2010T`)', '-12'],
      ['DATE_DIFF(day, `2010-01-01T23:00Z`, `2010-01-02T01:00Z`)', '0'],
      ['DATE_DIFF(hour, `2010-01-01T23:00Z`, `2010-01-02T01:00Z`)', '2'],
      ['EXTRACT(YEAR FROM `2010-01-01T`)', '2010'],
      ['EXTRACT(MONTH FROM `2010T`)', '1'],
      ['EXTRACT(MONTH FROM `2010-10T`)', '10'],
      ['EXTRACT(HOUR FROM `2017-01-02T03:04:05+07:08`)', '3'],
      ['EXTRACT(MINUTE FROM `2017-01-02T03:04:05+07:08`)', '4'],
      ['EXTRACT(TIMEZONE_HOUR FROM `2017-01-02T03:04:05+07:08`)', '7'],
      ['EXTRACT(TIMEZONE_MINUTE FROM `2017-01-02T03:04:05+07:08`)', '8'],
      ["TO_STRING(`1969-07-20T20:18Z`, 'MMMM d, y')", '"July 20, 1969"'],
      ["TO_STRING(`1969-07-20T20:18Z`, 'MMM d, yyyy')", '"Jul 20, 1969"'],
      ["TO_STRING(`1969-07-20T20:18Z`, 'M-d-yy')", '"7-20-69"'],
      ["TO_STRING(`1969-07-20T20:18Z`, 'MM-d-y')", '"07-20-1969"'],
      ["TO_STRING(`1969-07-20T20:18Z`, 'MMMM d, y h:m a')", '"July 20, 1969 8:18 PM"'],
      ["TO_STRING(`1969-07-20T20:18Z`, 'y-MM-dd''T''H:m:ssX')", '"1969-07-20T20:18:00Z"'],
      ["TO_STRING(`1969-07-20T20:18:00+08:00`, 'y-MM-dd''T''H:m:ssX')", '"1969-07-20T20:18:00+08"'],
      ["TO_STRING(`1969-07-20T20:18:00+08:00`, 'y-MM-dd''T''H:m:ssXXXX')", '"1969-07-20T20:18:00+0800"'],
      ["TO_STRING(`1969-07-20T20:18:00+08:00`, 'y-MM-dd''T''H:m:ssXXXXX')", '"1969-07-20T20:18:00+08:00"'],
      ["TO_TIMESTAMP('2007T')", '"2007T"'],
      ["TO_TIMESTAMP('2007-02-23T12:14:33.079-08:00')", '"2007-02-23T12:14:33.079-08:00"'],
      ['EXTRACT(SECOND FROM TO_TIMESTAMP(s.at))', '5'],
      ['UTCNOW()', '"2026-01-02T03:04:05.678Z"'],
    ],
  ],
])('%s', (_, cases) => {
  it.each(cases)('%s is %s', async (expression, value) => {
    expect(await evaluate(expression, RECORD)).toBe(value);
  });
});

describe('conditions', () => {
  it.each([
    '1 = 1.0',
    '1 <> 2',
    '1 != 2',
    "'a' < 'b'",
    '2 >= 2',
    '1 = CAST(1 AS FLOAT)',
    'CAST(0.5 AS FLOAT) = 0.5',
    "s.name = 'Ada'",
    "'1' <> 1",
    's.flag',
    'NOT s.flag = FALSE',
    's.age BETWEEN 30 AND 40',
    's.age NOT BETWEEN 37 AND 40',
    's.age IN (1, 36)',
    "s.name IN ('Bob', 'Ada')",
    "s.name NOT IN ('Bob')",
    "'b' IN s.tags",
    '3 IN s.tags',
    's.nothing IS NULL',
    's.unknown IS NULL',
    's.unknown IS MISSING',
    's.nothing IS NOT MISSING',
    's.name IS NOT NULL',
    'TRUE OR s.nothing',
    'NOT (FALSE AND s.nothing)',
    '`2010-01-01T00:00Z` < `2010-01-01T00:00-01:00`',
    '`2010-01-01T12:00+02:00` = `2010-01-01T10:00:00.000Z`',
    "s.name LIKE 'A%'",
    "s.name LIKE '_d_'",
    "s.name LIKE '%d%'",
    "s.name NOT LIKE 'a%'",
    "'50%' LIKE '50\\%' ESCAPE '\\'",
    "'a_c' LIKE 'a!_c' ESCAPE '!'",
    "'abcabcabd' LIKE '%abc%abd'",
    "s.emoji LIKE 'a_b'",
    "'' LIKE '%'",
    "'' LIKE ''",
    's.age > 30 AND s.price < 11 AND NOT s.age = 1',
  ])('%s', async (condition) => {
    expect(await holds(condition, RECORD)).toBe(true);
  });

  it.each([
    '1 = 2',
    "'1' = 1",
    "'a' < 1",
    's.nothing = NULL',
    's.nothing <> 1',
    's.unknown = 1',
    'NOT s.nothing',
    'NULL AND TRUE',
    's.age IN (1, NULL)',
    's.age NOT IN (1, NULL)',
    's.age BETWEEN 1 AND NULL',
    "'axc' LIKE 'a!_c' ESCAPE '!'",
    "'abc' LIKE 'b%'",
    "'abc' LIKE '%b'",
    's.name LIKE NULL',
    's.name',
    's.age',
  ])('not %s', async (condition) => {
    expect(await holds(condition, RECORD)).toBe(false);
  });
});

describe('errors of evaluation', () => {
  it.each([
    ["CAST('x' AS INT)", 'CastFailed', "STRING 'x' to INT at line 1, column 8"],
    ["CAST('1.5' AS INT)", 'CastFailed', "'1.5'"],
    ["CAST('' AS FLOAT)", 'CastFailed', ''],
    ["CAST('2010-13-01T' AS TIMESTAMP)", 'CastFailed', ''],
    ['CAST(s.tags AS STRING)', 'CastFailed', 'LIST to STRING'],
    ["CAST('9223372036854775808' AS INT)", 'IntegerOverflow', ''],
    ['9223372036854775807 + 1', 'IntegerOverflow', 'at line 1, column 28'],
    ['1 / 0', 'ExternalEvalException', 'division by zero'],
    ['1.0 % 0.0', 'ExternalEvalException', 'division by zero'],
    ["'a' + 1", 'IncorrectSqlFunctionArgumentType', "STRING 'a'"],
    ['LOWER(1)', 'IncorrectSqlFunctionArgumentType', 'LOWER of INT'],
    ['EXTRACT(YEAR FROM s.name)', 'IncorrectSqlFunctionArgumentType', 'EXTRACT of STRING'],
    ['s.age LIKE 1', 'LikeInvalidInputs', ''],
    ["s.name LIKE 'a!b' ESCAPE '!'", 'EvaluatorLikePatternInvalidEscapeSequence', ''],
    ["s.name LIKE 'a' ESCAPE '!!'", 'EvaluatorLikePatternInvalidEscapeSequence', ''],
    ["SUBSTRING('a', 1, -1)", 'EvaluatorInvalidArguments', 'negative length'],
    ["TO_TIMESTAMP('yesterday')", 'ValueParseFailure', "'yesterday'"],
    ["TO_STRING(`2010T`, 'Q')", 'EvaluatorInvalidTimestampFormatPatternSymbol', 'Q'],
    ["TO_STRING(`2010T`, '''y')", 'EvaluatorUnterminatedTimestampFormatPatternToken', ''],
    ['DATE_ADD(year, 9000, `2010T`)', 'EvaluatorInvalidArguments', 'years 1 to 9999'],
  ])('%s: %s', async (expression, code, said) => {
    const message = await refusal(`SELECT ${expression} FROM S3Object s`, RECORD, { input: LINES });
    expect(message).toMatch(new RegExp(`^${code}: `));
    expect(message).toContain(said);
  });

  it('names that differ in case only are ambiguous without quotes', async () => {
    const record = '{"a":1,"A":2}';
    expect(await refusal('SELECT s.a FROM S3Object s', record, { input: LINES })).toMatch(
      /^AmbiguousFieldName: .*column 8/,
    );
    expect(await evaluate('s."A"', record)).toBe('2');
  });

  it('a record cannot keep the process busy', async () => {
    const record = JSON.stringify({ text: 'a'.repeat(200_000) });
    const slow = `SELECT 1 FROM S3Object s WHERE s.text LIKE '%${'a'.repeat(1000)}%${'a'.repeat(1000)}_b%'`;
    expect(await refusal(slow, record, { input: LINES })).toMatch(/^ExternalEvalException: .*too long for one record/);
    const long = `SELECT ${Array.from({ length: 100 }, () => 's.text').join(' || ')} FROM S3Object s`;
    expect(await refusal(long, record, { input: LINES })).toMatch(/^ColumnTooLong/);
  });
});
