/** Parses a whole query. https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-select.html */
import type { Expression, Name, PathStep, Projection, Statement } from './ast.js';
import { fault } from './fault.js';
import { ExpressionParser, nameOf, pathSteps } from './parse-expression.js';
import { TokenStream } from './token-stream.js';

const MAX_EXPRESSION_BYTES = 256 * 1024;
/** Most columns of a result. */
const MAX_PROJECTIONS = 10_000;
const TABLE = 's3object';

/**
 * @throws S3Error ExpressionTooLong, Lexer..., Parse..., UnsupportedFunction, MaxOperatorsExceeded and the other codes for
 * expressions that are not what S3 Select takes
 */
export function parseStatement(source: string): Statement {
  if (Buffer.byteLength(source) > MAX_EXPRESSION_BYTES) throw fault('ExpressionTooLong', null);
  const tokens = new TokenStream(source);
  const parser = new ExpressionParser(tokens);
  if (!tokens.takeKeyword('SELECT')) throw tokens.unexpected();
  const projections = selectList(tokens, parser);
  const { aggregate, path: plainPath } = parser.takeSeen();
  if (!tokens.isKeyword('FROM')) throw missingFrom(tokens);
  tokens.take();
  const { path, alias } = fromClause(tokens);
  const where = tokens.takeKeyword('WHERE') ? parser.expression() : null;
  const { aggregate: inWhere } = parser.takeSeen();
  if (inWhere !== undefined) throw fault('UnsupportedSqlStructure', inWhere, 'an aggregate function in WHERE');
  const limit = limitOf(tokens);
  if (tokens.next.kind !== 'end') throw trailing(tokens);
  const all = projections.some(({ kind }) => kind === 'all');
  if (aggregate !== undefined && (plainPath !== undefined || all))
    throw fault('UnsupportedSqlStructure', plainPath ?? aggregate, 'columns beside aggregate functions need GROUP BY');
  return { projections, aggregates: aggregate !== undefined, path, alias, where, limit };
}

function selectList(tokens: TokenStream, parser: ExpressionParser): Projection[] {
  if (tokens.isKeyword('DISTINCT')) throw tokens.unexpected('ParseUnsupportedSelect');
  tokens.takeKeyword('ALL');
  if (tokens.isKeyword('FROM') || tokens.next.kind === 'end') throw tokens.unexpected('ParseEmptySelect', 'found ');
  if (tokens.takeOperator('*')) {
    if (tokens.isOperator(',')) throw tokens.unexpected('ParseAsteriskIsNotAloneInSelectList');
    return [{ kind: 'all' }];
  }
  const projections: Projection[] = [];
  do {
    if (tokens.isOperator('*')) throw tokens.unexpected('ParseAsteriskIsNotAloneInSelectList');
    if (projections.length >= MAX_PROJECTIONS) throw fault('OverMaxColumn', tokens.next.at);
    projections.push(projection(tokens, parser));
  } while (tokens.takeOperator(','));
  return projections;
}

function projection(tokens: TokenStream, parser: ExpressionParser): Projection {
  const { kind } = tokens.next;
  const named = kind === 'identifier' || kind === 'quoted';
  if (named && tokens.isOperator('.', 1) && tokens.isOperator('*', 2)) {
    for (let taken = 0; taken < 3; taken += 1) tokens.take();
    return { kind: 'all' };
  }
  const expression = parser.expression();
  return { kind: 'expression', expression, alias: aliasOf(tokens)?.text ?? null };
}

function aliasOf(tokens: TokenStream): Name | null {
  if (tokens.takeKeyword('AS')) {
    const { kind } = tokens.next;
    if (kind !== 'identifier' && kind !== 'quoted') throw tokens.unexpected('ParseExpectedIdentForAlias', 'found ');
    return nameOf(tokens);
  }
  const { kind } = tokens.next;
  return kind === 'identifier' || kind === 'quoted' ? nameOf(tokens) : null;
}

function missingFrom(tokens: TokenStream): Error {
  const { kind } = tokens.next;
  return tokens.unexpected(
    kind === 'end' || kind === 'keyword' ? 'ParseSelectMissingFrom' : 'ParseUnexpectedToken',
    'found ',
  );
}

/** What stands after FROM. */
function fromClause(tokens: TokenStream): { path: PathStep[]; alias: Name | null } {
  if (tokens.isOperator('(')) throw tokens.unexpected('ParseUnsupportedSelect', 'subqueries are not supported, ');
  const { at } = tokens.next;
  const table = nameOf(tokens);
  if (table.text.toLowerCase() !== TABLE)
    throw fault(
      'EvaluatorBindingDoesNotExist',
      at,
      `the data source is called S3Object, not ${table.text.slice(0, 100)}`,
    );
  const steps = pathSteps(tokens);
  const [first, ...path] = steps;
  if (first !== undefined && first.kind !== 'elements')
    throw fault('InvalidKeyPath', at, 'a path begins with S3Object[*]');
  const alias = aliasOf(tokens);
  if (tokens.isOperator(',')) throw tokens.unexpected('MultipleDataSourcesUnsupported');
  if (tokens.isKeyword('JOIN')) throw tokens.unexpected('ParseMalformedJoin');
  return { path, alias: alias ?? (first === undefined ? { text: TABLE, quoted: false } : null) };
}

function limitOf(tokens: TokenStream): number | null {
  if (!tokens.takeKeyword('LIMIT')) return null;
  const { at } = tokens.next;
  const negative = tokens.takeOperator('-');
  const { value } = tokens.next;
  if (typeof value !== 'bigint') throw tokens.unexpected('ParseExpectedNumber', 'found ');
  tokens.take();
  if (negative && value !== 0n) throw fault('EvaluatorNegativeLimit', at);
  return Number(value);
}

/** The error for what follows a complete query. */
function trailing(tokens: TokenStream): Error {
  if (tokens.isKeyword('GROUP')) return tokens.unexpected('ParseUnsupportedLiteralsGroupBy');
  if (tokens.isKeyword('JOIN')) return tokens.unexpected('ParseMalformedJoin');
  if (['ORDER', 'HAVING', 'UNION', 'INTERSECT', 'EXCEPT'].some((word) => tokens.isKeyword(word)))
    return tokens.unexpected('ParseUnsupportedSyntax');
  return tokens.unexpected();
}

/**
 * The name of a column in JSON results: its alias, the last name of its path, or its position.
 * @param position from 1
 */
export function projectionName(expression: Expression, alias: string | null, position: number): string {
  if (alias !== null) return alias;
  if (expression.kind === 'path') {
    const last = expression.steps.at(-1);
    if (last === undefined) return expression.root.text;
    if (last.kind === 'name') return last.name.text;
  }
  return `_${position}`;
}
