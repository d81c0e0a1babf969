/**
 * Parses calls of functions, those with a grammar of their own (CAST, TRIM, SUBSTRING, EXTRACT, ...) included.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-sql-functions.html
 */
import type { AggregateFunction, CastType, DatePart, Expression, ExtractPart, ScalarFunction } from './ast.js';
import type { Position } from './fault.js';
import { fault } from './fault.js';
import type { ExpressionParser } from './parse-expression.js';
import type { TokenStream } from './token-stream.js';

/** Fewest and most arguments. */
const FUNCTIONS: ReadonlyMap<string, readonly [ScalarFunction, number, number]> = new Map([
  ['CHAR_LENGTH', ['CHAR_LENGTH', 1, 1]],
  ['CHARACTER_LENGTH', ['CHAR_LENGTH', 1, 1]],
  ['LOWER', ['LOWER', 1, 1]],
  ['UPPER', ['UPPER', 1, 1]],
  ['COALESCE', ['COALESCE', 1, Infinity]],
  ['NULLIF', ['NULLIF', 2, 2]],
  ['TO_TIMESTAMP', ['TO_TIMESTAMP', 1, 1]],
  ['TO_STRING', ['TO_STRING', 2, 2]],
  ['UTCNOW', ['UTCNOW', 0, 0]],
]);

const AGGREGATES: ReadonlySet<string> = new Set<AggregateFunction>(['COUNT', 'SUM', 'AVG', 'MIN', 'MAX']);

/** AWS's names and the usual other ones of the same types. */
const TYPES: ReadonlyMap<string, CastType> = new Map([
  ['BOOL', 'BOOL'],
  ['BOOLEAN', 'BOOL'],
  ['INT', 'INT'],
  ['INTEGER', 'INT'],
  ['SMALLINT', 'INT'],
  ['BIGINT', 'INT'],
  ['STRING', 'STRING'],
  ['VARCHAR', 'STRING'],
  ['CHAR', 'STRING'],
  ['CHARACTER', 'STRING'],
  ['FLOAT', 'FLOAT'],
  ['REAL', 'FLOAT'],
  ['DOUBLE', 'FLOAT'],
  ['DECIMAL', 'DECIMAL'],
  ['NUMERIC', 'DECIMAL'],
  ['TIMESTAMP', 'TIMESTAMP'],
]);

const DATE_PARTS: readonly DatePart[] = ['year', 'month', 'day', 'hour', 'minute', 'second'];
const EXTRACT_PARTS: readonly ExtractPart[] = [...DATE_PARTS, 'timezone_hour', 'timezone_minute'];

/** At the function's name. @throws S3Error UnsupportedFunction, EvaluatorInvalidArguments, Parse... */
export function parseCall(parser: ExpressionParser): Expression {
  const { tokens } = parser;
  const { text, at } = tokens.take();
  const name = text.toUpperCase();
  if (name === 'CAST') {
    tokens.expectOperator('(', 'ParseExpectedLeftParenAfterCast');
    return cast(parser, at);
  }
  tokens.expectOperator('(');
  if (AGGREGATES.has(name)) return aggregate(parser, name as AggregateFunction, at);
  switch (name) {
    case 'TRIM':
      return trim(parser, at);
    case 'SUBSTRING':
      return substring(parser, at);
    case 'EXTRACT':
      return extract(parser, at);
    case 'DATE_ADD':
    case 'DATE_DIFF':
      return dateArithmetic(parser, name, at);
  }
  const known = FUNCTIONS.get(name);
  if (known === undefined) throw fault('UnsupportedFunction', at, text);
  const operands = argumentsOf(parser);
  const [canonical, fewest, most] = known;
  checkCount(at, text, operands.length, fewest, most);
  return parser.node({ kind: 'call', name: canonical, operands, at }, ...operands);
}

/** What is left up to the closing parenthesis. */
function argumentsOf(parser: ExpressionParser): Expression[] {
  const { tokens } = parser;
  const operands: Expression[] = [];
  if (tokens.takeOperator(')')) return operands;
  do {
    if (tokens.isOperator('*')) throw tokens.unexpected('ParseUnsupportedCallWithStar');
    operands.push(parser.expression());
  } while (tokens.takeOperator(','));
  closing(tokens);
  return operands;
}

function closing(tokens: TokenStream): void {
  if (!tokens.isOperator(')')) throw tokens.unexpected('ParseExpectedArgumentDelimiter', 'expected , or ), found ');
  tokens.take();
}

function checkCount(at: Position, name: string, count: number, fewest: number, most: number): void {
  if (count >= fewest && count <= most) return;
  const wanted = fewest === most ? String(fewest) : most === Infinity ? `at least ${fewest}` : `${fewest} to ${most}`;
  throw fault('EvaluatorInvalidArguments', at, `${name} takes ${wanted}, not ${count}`);
}

function aggregate(parser: ExpressionParser, name: AggregateFunction, at: Position): Expression {
  const { tokens } = parser;
  parser.sawAggregate(at);
  let operand: Expression | null = null;
  if (tokens.isOperator('*')) {
    if (name !== 'COUNT') throw tokens.unexpected('ParseUnsupportedCallWithStar');
    tokens.take();
  } else {
    if (tokens.isKeyword('DISTINCT')) throw tokens.unexpected('ParseUnsupportedSyntax');
    tokens.takeKeyword('ALL');
    if (tokens.isOperator(')')) throw tokens.unexpected('ParseNonUnaryAgregateFunctionCall');
    operand = parser.aggregated();
  }
  if (tokens.isOperator(',')) throw tokens.unexpected('ParseNonUnaryAgregateFunctionCall');
  tokens.expectOperator(')', 'ParseExpectedRightParenBuiltinFunctionCall');
  return parser.node({ kind: 'aggregate', name, operand, at }, ...(operand === null ? [] : [operand]));
}

function cast(parser: ExpressionParser, at: Position): Expression {
  const { tokens } = parser;
  const operand = parser.expression();
  if (!tokens.isKeyword('AS')) throw tokens.unexpected('ParseCastArity', 'expected AS, found ');
  tokens.take();
  const { kind, text, at: typeAt } = tokens.take();
  if (kind !== 'identifier') throw fault('ParseExpectedTypeName', typeAt, text);
  const type = TYPES.get(text.toUpperCase());
  if (type === undefined) throw fault('InvalidDataType', typeAt, text);
  if (text.toUpperCase() === 'DOUBLE' && tokens.isWord('PRECISION')) tokens.take();
  typeParameters(tokens);
  tokens.expectOperator(')', 'ParseCastArity');
  return parser.node({ kind: 'cast', operand, type, at }, operand);
}

/** VARCHAR(10), DECIMAL(10, 2): accepted and, as on S3, without effect. */
function typeParameters(tokens: TokenStream): void {
  if (!tokens.takeOperator('(')) return;
  do {
    if (typeof tokens.next.value !== 'bigint') throw tokens.unexpected('ParseInvalidTypeParam');
    tokens.take();
  } while (tokens.takeOperator(','));
  tokens.expectOperator(')', 'ParseInvalidTypeParam');
}

/** TRIM([[LEADING | TRAILING | BOTH] [characters] FROM] text) */
function trim(parser: ExpressionParser, at: Position): Expression {
  const { tokens } = parser;
  const named = (['LEADING', 'TRAILING', 'BOTH'] as const).find((word) => tokens.isWord(word));
  // A column may have such a name: then FROM, a string or an expression does not follow it.
  const isSide = named !== undefined && !tokens.isOperator(')', 1) && !tokens.isOperator('.', 1);
  if (isSide) tokens.take();
  const side = isSide ? named : 'BOTH';
  let characters: Expression | null = null;
  let operand: Expression;
  if (tokens.takeKeyword('FROM')) operand = parser.expression();
  else {
    operand = parser.expression();
    if (tokens.takeKeyword('FROM')) {
      characters = operand;
      operand = parser.expression();
    }
  }
  tokens.expectOperator(')', 'ParseExpectedRightParenBuiltinFunctionCall');
  return parser.node(
    { kind: 'trim', side, characters, operand, at },
    operand,
    ...(characters === null ? [] : [characters]),
  );
}

/** SUBSTRING(text, start [, length]) and SUBSTRING(text FROM start [FOR length]) */
function substring(parser: ExpressionParser, at: Position): Expression {
  const { tokens } = parser;
  const operands = [parser.expression()];
  if (tokens.takeKeyword('FROM')) {
    operands.push(parser.expression());
    if (tokens.isWord('FOR')) {
      tokens.take();
      operands.push(parser.expression());
    }
  } else while (tokens.takeOperator(',')) operands.push(parser.expression());
  closing(tokens);
  checkCount(at, 'SUBSTRING', operands.length, 2, 3);
  return parser.node({ kind: 'call', name: 'SUBSTRING', operands, at }, ...operands);
}

function extract(parser: ExpressionParser, at: Position): Expression {
  const { tokens } = parser;
  const part = datePart(tokens, EXTRACT_PARTS);
  tokens.expectKeyword('FROM');
  const operand = parser.expression();
  tokens.expectOperator(')', 'ParseExpectedRightParenBuiltinFunctionCall');
  return parser.node({ kind: 'extract', part, operand, at }, operand);
}

function dateArithmetic(parser: ExpressionParser, name: 'DATE_ADD' | 'DATE_DIFF', at: Position): Expression {
  const { tokens } = parser;
  const part = datePart(tokens, DATE_PARTS);
  tokens.expectOperator(',', 'ParseExpectedArgumentDelimiter');
  const first = parser.expression();
  tokens.expectOperator(',', 'ParseExpectedArgumentDelimiter');
  const second = parser.expression();
  tokens.expectOperator(')', 'ParseExpectedRightParenBuiltinFunctionCall');
  return name === 'DATE_ADD'
    ? parser.node({ kind: 'dateAdd', part, quantity: first, operand: second, at }, first, second)
    : parser.node({ kind: 'dateDiff', part, operands: [first, second], at }, first, second);
}

function datePart<Part extends string>(tokens: TokenStream, parts: readonly Part[]): Part {
  const { kind, text } = tokens.next;
  const part = kind === 'identifier' ? parts.find((candidate) => candidate === text.toLowerCase()) : undefined;
  if (part === undefined) throw tokens.unexpected('ParseExpectedDatePart', 'found ');
  tokens.take();
  return part;
}
