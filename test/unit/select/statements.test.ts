// Whole queries: what FROM, the select list, aggregates and LIMIT do, and the errors for what is no query.
import { describe, expect, it } from 'vitest';
import { CSV, DOCUMENT, HEADED, LINES, refusal, select, TO_JSON } from './support.js';

const PEOPLE = 'name,age,city\nAda,36,London\nBob,7,Paris\nEve,,Rome\n';
const json = { output: TO_JSON } as const;

describe('select list', () => {
  it.each([
    ['SELECT * FROM S3Object', 'Ada,36,London\nBob,7,Paris\nEve,,Rome\n'],
    ['SELECT s.* FROM S3Object s', 'Ada,36,London\nBob,7,Paris\nEve,,Rome\n'],
    ['SELECT s.name FROM s3object s', 'Ada\nBob\nEve\n'],
    ['select S3OBJECT.Name from S3Object', 'Ada\nBob\nEve\n'],
    ['SELECT _1, s._3 FROM S3Object AS s', 'Ada,London\nBob,Paris\nEve,Rome\n'],
    ['SELECT s.name, s.* FROM S3Object s LIMIT 1', 'Ada,Ada,36,London\n'],
    ["SELECT 'x', s._9 FROM S3Object s LIMIT 2", 'x,\nx,\n'],
    ['SELECT name FROM S3Object WHERE age > 10', 'Ada\n'],
    ["SELECT name FROM S3Object WHERE age = ''", 'Eve\n'],
    ["SELECT name FROM S3Object WHERE CAST(NULLIF(age, '') AS INT) < 10", 'Bob\n'],
    ['SELECT age + 1 FROM S3Object LIMIT 2', '37\n8\n'],
    ['SELECT name FROM S3Object LIMIT 0', ''],
    ['SELECT name FROM S3Object LIMIT 2', 'Ada\nBob\n'],
  ])('%s', async (sql, result) => {
    expect(await select(sql, PEOPLE, { input: HEADED })).toBe(result);
  });

  it.each([
    [
      'SELECT s.name, s.AGE AS years, 1 + 1, s.city town FROM S3Object s LIMIT 1',
      '{"name":"Ada","years":"36","_3":2,"town":"London"}\n',
    ],
    ['SELECT * FROM S3Object LIMIT 1', '{"name":"Ada","age":"36","city":"London"}\n'],
    ['SELECT "name" AS "full name" FROM S3Object LIMIT 1', '{"full name":"Ada"}\n'],
    ['SELECT COUNT(*) FROM S3Object', '{"_1":3}\n'],
    ['SELECT COUNT(*) AS n, MIN(name) AS first FROM S3Object', '{"n":3,"first":"Ada"}\n'],
  ])('names columns: %s', async (sql, result) => {
    expect(await select(sql, PEOPLE, { input: HEADED, ...json })).toBe(result);
  });

  it('names the columns of CSV without a header, and those beyond it, by position', async () => {
    expect(await select('SELECT * FROM S3Object', 'a,b\n', json)).toBe('{"_1":"a","_2":"b"}\n');
    expect(await select('SELECT * FROM S3Object', 'a\n1,2\n', { input: HEADED, ...json })).toBe('{"a":"1","_2":"2"}\n');
  });
});

describe('aggregates', () => {
  const sales = '1,2.5,x\n2,7.5,y\n3,,z\n';

  it.each([
    ['SELECT COUNT(*), COUNT(_2), SUM(CAST(_1 AS INT)) FROM S3Object', '3,3,6\n'],
    ["SELECT SUM(CAST(_2 AS DECIMAL)), AVG(CAST(_2 AS DECIMAL)) FROM S3Object WHERE _2 <> ''", '10.0,5\n'],
    ['SELECT AVG(CAST(_1 AS INT)), MAX(CAST(_1 AS INT)), MIN(CAST(_1 AS FLOAT)) FROM S3Object', '2,3,1\n'],
    ['SELECT SUM(_1), MAX(_1), MIN(_3) FROM S3Object', '6,3,x\n'],
    ["SELECT SUM(_1) / COUNT(*) AS mean FROM S3Object WHERE _3 IN ('x', 'z')", '2\n'],
    ['SELECT COUNT(*), SUM(_1), AVG(_1), MIN(_1) FROM S3Object WHERE FALSE', '0,,,\n'],
    ["SELECT COUNT(NULLIF(_2, '')) FROM S3Object", '2\n'],
    ['SELECT COUNT(*) FROM S3Object LIMIT 0', ''],
    ['SELECT AVG(9223372036854775807) FROM S3Object', '9223372036854775807\n'],
  ])('%s', async (sql, result) => {
    expect(await select(sql, sales)).toBe(result);
  });

  it('do not take what is no number', async () => {
    expect(await refusal('SELECT SUM(_3) FROM S3Object', sales)).toMatch(
      /^IncorrectSqlFunctionArgumentType: .*SUM of STRING/,
    );
    expect(await refusal('SELECT MAX(_2) FROM S3Object', sales)).toMatch(/^IncorrectSqlFunctionArgumentType/);
  });
});

describe('FROM paths', () => {
  const rules =
    '{"Rules":[{"id":"1"},{"expr":"y > x"},{"id":"2","expr":"z = DEBUG"}]}{"created":"June 27","modified":"July 6"}';
  const folders = JSON.stringify([
    { dir: 'important', files: [{ name: '.' }, { name: '.aws' }], owner: 'AWS' },
    { dir: 'other', files: [], owner: 'User' },
  ]);
  const document = { input: DOCUMENT, ...json } as const;

  it.each([
    [rules, 'SELECT id FROM S3Object[*].Rules[*].id', '{"id":"1"}\n{}\n{"id":"2"}\n{}\n'],
    [rules, 'SELECT id FROM S3Object[*].Rules[*].id WHERE id IS NOT MISSING', '{"id":"1"}\n{"id":"2"}\n'],
    [rules, "SELECT r.id FROM S3Object[*].Rules[*] r WHERE r.expr LIKE 'z%'", '{"id":"2"}\n'],
    [rules, "SELECT _1.id FROM S3Object[*].Rules[*] WHERE _1.id = '1'", '{"id":"1"}\n'],
    [rules, 'SELECT COUNT(id) FROM S3Object[*].Rules[*].id', '{"_1":2}\n'],
    [rules, 'SELECT * FROM S3Object[*].Rules[1]', '{"expr":"y > x"}\n{}\n'],
    [rules, 'SELECT s.Rules[0].id FROM S3Object s', '{"id":"1"}\n{}\n'],
    [
      folders,
      'SELECT d.dir, d.files FROM S3Object[*] d',
      '{"dir":"important","files":[{"name":"."},{"name":".aws"}]}\n{"dir":"other","files":[]}\n',
    ],
    [
      folders,
      'SELECT _1.dir, _1.owner FROM S3Object[*]',
      '{"dir":"important","owner":"AWS"}\n{"dir":"other","owner":"User"}\n',
    ],
    [folders, 'SELECT s.owner FROM S3Object[*][*] s', '{"owner":"AWS"}\n{"owner":"User"}\n'],
    [folders, 'SELECT s.owner FROM S3Object[*][1] s', '{"owner":"User"}\n'],
    [folders, 'SELECT f.name FROM S3Object[*].files[*] f', '{"name":"."}\n{"name":".aws"}\n{}\n'],
    ['{"a":{"x":1},"b":{"x":2}}', 'SELECT v.x FROM S3Object[*].* v', '{"x":1}\n{"x":2}\n'],
    ['{"odd name":[1,2]}', "SELECT v FROM S3Object[*]['odd name'][*] v", '{"v":1}\n{"v":2}\n'],
    ['1 "two" [3]', 'SELECT * FROM S3Object', '{"_1":1}\n{"_1":"two"}\n{"_1":3}\n'],
  ])('%s: %s', async (data, sql, result) => {
    expect(await select(sql, data, document)).toBe(result);
  });

  it('are for JSON only', async () => {
    expect(await refusal('SELECT * FROM S3Object[*].a', 'a\n')).toMatch(/^InvalidKeyPath/);
    expect(await refusal('SELECT * FROM S3Object.a', '{}', { input: LINES })).toMatch(/^InvalidKeyPath/);
  });
});

describe('what is no query', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['', 'ParseUnexpectedToken', 'END:EOF at line 1, column 1'],
    ['DELETE FROM S3Object', 'ParseUnexpectedToken', 'IDENTIFIER:DELETE at line 1, column 1'],
    ['SELECT FROM S3Object', 'ParseEmptySelect', ''],
    ['SELECT *', 'ParseSelectMissingFrom', 'line 1, column 9'],
    ['SELECT s.a\nWHERE s.a = 1', 'ParseSelectMissingFrom', 'KEYWORD:WHERE at line 2, column 1'],
    ['SELECT * FROM S3Object s s', 'ParseUnexpectedToken', 'IDENTIFIER:s at line 1, column 26'],
    ['SELECT * FROM other', 'EvaluatorBindingDoesNotExist', 'S3Object, not other'],
    ['SELECT *, 1 FROM S3Object', 'ParseAsteriskIsNotAloneInSelectList', ''],
    ['SELECT 1, * FROM S3Object', 'ParseAsteriskIsNotAloneInSelectList', ''],
    ['SELECT s.a[*] FROM S3Object s', 'ParseInvalidContextForWildcardInSelectList', ''],
    ['SELECT s.CAST FROM S3Object s', 'ParseInvalidPathComponent', 'KEYWORD:CAST'],
    ['SELECT s[-1] FROM S3Object s', 'ParseInvalidPathComponent', ''],
    ['SELECT _1 AS 5 FROM S3Object', 'ParseExpectedIdentForAlias', ''],
    ['SELECT * FROM S3Object WHERE', 'ParseExpectedExpression', 'column 29'],
    ['SELECT * FROM S3Object WHERE 1 +', 'ParseExpectedExpression', ''],
    ['SELECT * FROM S3Object WHERE (1 = 1', 'ParseExpectedTokenType', 'expected )'],
    ['SELECT * FROM S3Object WHERE _1 BETWEEN 1', 'ParseExpectedKeyword', 'expected AND'],
    ['SELECT * FROM S3Object WHERE _1 IS 5', 'ParseExpectedKeyword', ''],
    ['SELECT * FROM S3Object WHERE _1 IN 5', 'ParseExpectedLeftParenValueConstructor', ''],
    ['SELECT * FROM S3Object WHERE _1 IN (1 2)', 'ParseExpectedArgumentDelimiter', ''],
    ['SELECT * FROM S3Object WHERE CASE 1 END', 'ParseExpectedWhenClause', ''],
    ['SELECT * FROM S3Object WHERE SELECT', 'ParseUnExpectedKeyword', 'KEYWORD:SELECT'],
    ['SELECT * FROM S3Object LIMIT x', 'ParseExpectedNumber', ''],
    ['SELECT * FROM S3Object LIMIT -1', 'EvaluatorNegativeLimit', ''],
    ['SELECT * FROM S3Object GROUP BY _1', 'ParseUnsupportedLiteralsGroupBy', ''],
    ['SELECT * FROM S3Object ORDER BY _1', 'ParseUnsupportedSyntax', ''],
    ['SELECT DISTINCT _1 FROM S3Object', 'ParseUnsupportedSelect', ''],
    ['SELECT * FROM (SELECT * FROM S3Object)', 'ParseUnsupportedSelect', ''],
    ['SELECT * FROM S3Object WHERE _1 IN (SELECT 1)', 'ParseUnsupportedSelect', ''],
    ['SELECT * FROM S3Object a, S3Object b', 'MultipleDataSourcesUnsupported', ''],
    ['SELECT * FROM S3Object a JOIN S3Object b', 'ParseMalformedJoin', ''],
    ['SELECT SQRT(1) FROM S3Object', 'UnsupportedFunction', 'SQRT at line 1, column 8'],
    ['SELECT LOWER() FROM S3Object', 'EvaluatorInvalidArguments', 'LOWER takes 1, not 0'],
    ['SELECT SUBSTRING(_1) FROM S3Object', 'EvaluatorInvalidArguments', 'SUBSTRING takes 2 to 3, not 1'],
    ['SELECT LOWER(_1 _2) FROM S3Object', 'ParseExpectedArgumentDelimiter', ''],
    ['SELECT CAST _1 AS INT FROM S3Object', 'ParseExpectedLeftParenAfterCast', ''],
    ['SELECT CAST(_1) FROM S3Object', 'ParseCastArity', ''],
    ['SELECT CAST(_1 AS 5) FROM S3Object', 'ParseExpectedTypeName', ''],
    ['SELECT CAST(_1 AS BLOB) FROM S3Object', 'InvalidDataType', 'BLOB'],
    ['SELECT CAST(_1 AS VARCHAR(x)) FROM S3Object', 'ParseInvalidTypeParam', ''],
    ['SELECT EXTRACT(WEEK FROM _1) FROM S3Object', 'ParseExpectedDatePart', ''],
    ['SELECT SUM(*) FROM S3Object', 'ParseUnsupportedCallWithStar', ''],
    ['SELECT LOWER(*) FROM S3Object', 'ParseUnsupportedCallWithStar', ''],
    ['SELECT SUM(_1, _2) FROM S3Object', 'ParseNonUnaryAgregateFunctionCall', ''],
    ['SELECT SUM(COUNT(*)) FROM S3Object', 'UnsupportedSqlStructure', ''],
    ['SELECT _1, COUNT(*) FROM S3Object', 'UnsupportedSqlStructure', 'column 8'],
    ['SELECT _1 FROM S3Object WHERE COUNT(*) > 1', 'UnsupportedSqlStructure', 'column 31'],
    ['SELECT _0 FROM S3Object', 'InvalidColumnIndex', '_0'],
    ['SELECT name FROM S3Object', 'EvaluatorBindingDoesNotExist', 'name'],
    ['SELECT s._1.x FROM S3Object s', 'InvalidKeyPath', ''],
    ['SELECT ? FROM S3Object', 'LexerInvalidChar', '? at line 1, column 8'],
    ['SELECT 1 ! 2 FROM S3Object', 'LexerInvalidOperator', ''],
    ["SELECT 'x FROM S3Object", 'LexerInvalidLiteral', ''],
    ['SELECT 1x FROM S3Object', 'LexerInvalidLiteral', ''],
    ['SELECT `x` FROM S3Object', 'LexerInvalidIONLiteral', ''],
    [`SELECT ${'('.repeat(5000)}1`, 'MaxOperatorsExceeded', ''],
    [`SELECT ${'- '.repeat(1000)} NOT 1`, 'ParseUnExpectedKeyword', ''],
    [`SELECT ${'1+'.repeat(1000)}1 FROM S3Object`, 'MaxOperatorsExceeded', ''],
    [`SELECT '${'x'.repeat(256 * 1024)}' FROM S3Object`, 'ExpressionTooLong', ''],
    [`SELECT ${'1,'.repeat(10_000)}1 FROM S3Object`, 'OverMaxColumn', ''],
  ];
  it.each(cases.map(([sql, ...rest]) => [sql.slice(0, 60), ...rest, sql] as const))(
    '%s: %s',
    async (_, code, said, sql) => {
      const message = await refusal(sql, 'a,b\n', { input: CSV });
      expect(message).toMatch(new RegExp(`^${code}: `));
      expect(message).toContain(said);
    },
  );

  it('a long chain of AND, OR and IN is one', async () => {
    const conditions = Array.from({ length: 5000 }, (_, index) => `_1 = '${index}'`).join(' OR ');
    expect(await select(`SELECT _1 FROM S3Object WHERE ${conditions}`, '4999\n5000\n')).toBe('4999\n');
    const list = Array.from({ length: 10_000 }, (_, index) => String(index)).join(',');
    expect(await select(`SELECT _1 FROM S3Object WHERE _1 IN (${list})`, '9999\n10000\n')).toBe('9999\n');
  });
});
