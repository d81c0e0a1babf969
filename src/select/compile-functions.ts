/** Makes functions of the calls in an expression; NULL and MISSING arguments yield NULL and MISSING. */
import type { Expression } from './ast.js';
import type { Compiler } from './compile.js';
import { numberIn } from './compile.js';
import { compareValues } from './compare.js';
import { dateAdd, dateDiff, extractPart } from './date-functions.js';
import type { Position } from './fault.js';
import { fault } from './fault.js';
import { toFloat } from './numbers.js';
import type { Evaluate } from './schema.js';
import { characterLength, substring, trimText } from './text-functions.js';
import { timestampFormat } from './timestamp-format.js';
import { Timestamp } from './timestamp.js';
import type { Row, Value } from './value.js';
import { typeName } from './value.js';

type Of<Kind extends Expression['kind']> = Extract<Expression, { kind: Kind }>;

export function compileCall(compiler: Compiler, call: Of<'call'>): Evaluate {
  const { at, name } = call;
  switch (name) {
    case 'CHAR_LENGTH':
      return onText(compiler, call, (text) => BigInt(characterLength(text)));
    case 'LOWER':
      return onText(compiler, call, (text) => text.toLowerCase());
    case 'UPPER':
      return onText(compiler, call, (text) => text.toUpperCase());
    case 'TO_TIMESTAMP':
      return onText(compiler, call, (text) => {
        const timestamp = Timestamp.parse(text.trim());
        if (timestamp === null) throw fault('ValueParseFailure', at, `'${text.slice(0, 60)}'`);
        return timestamp;
      });
    case 'COALESCE': {
      const operands = call.operands.map((operand) => compiler.evaluate(operand));
      return (row) => {
        for (const operand of operands) {
          const value = operand(row);
          if (value !== null && value !== undefined) return value;
        }
        return null;
      };
    }
    case 'NULLIF':
      return nullIf(compiler, call);
    case 'SUBSTRING':
      return substringOf(compiler, call);
    case 'TO_STRING':
      return toText(compiler, call);
    case 'UTCNOW': {
      const now = Timestamp.fromMs(compiler.options.nowMs);
      return () => now;
    }
  }
}

function operandOf(call: Of<'call'>, index: number): Expression {
  const operand = call.operands[index];
  if (operand === undefined) throw new Error(`${call.name} without its argument ${index + 1}`);
  return operand;
}

function onText(compiler: Compiler, call: Of<'call'>, apply: (text: string) => Value): Evaluate {
  const text = textOf(compiler, operandOf(call, 0), call.name, call.at);
  return (row) => {
    const value = text(row);
    return value === null || value === undefined ? value : apply(value);
  };
}

type TextOf = (row: Row) => string | null | undefined;

/** Its work is charged for: every function goes through all of its text. */
function textOf(compiler: Compiler, expression: Expression, name: string, at: Position): TextOf {
  const operand = compiler.evaluate(expression);
  const { work } = compiler.options;
  return (row) => {
    const value = operand(row);
    if (value === null || value === undefined) return value;
    if (typeof value !== 'string') throw wrongType(name, value, at);
    work.charge(value.length);
    return value;
  };
}

function wrongType(name: string, value: Value, at: Position): Error {
  return fault('IncorrectSqlFunctionArgumentType', at, `${name} of ${typeName(value)}`);
}

function nullIf(compiler: Compiler, call: Of<'call'>): Evaluate {
  const first = compiler.compile(operandOf(call, 0));
  const second = compiler.compile(operandOf(call, 1));
  const untyped = { left: first.untyped, right: second.untyped };
  return (row) => {
    const value = first.evaluate(row);
    return compareValues('=', value, second.evaluate(row), untyped) === true ? null : value;
  };
}

function substringOf(compiler: Compiler, call: Of<'call'>): Evaluate {
  const { at, operands } = call;
  const text = textOf(compiler, operandOf(call, 0), call.name, at);
  const start = compiler.compile(operandOf(call, 1));
  const length = operands[2] === undefined ? null : compiler.compile(operands[2]);
  return (row) => {
    const value = text(row);
    const from = numberIn(start.evaluate(row), start.untyped, at);
    const count = length === null ? Infinity : numberIn(length.evaluate(row), length.untyped, at);
    if (value === undefined || from === undefined || count === undefined) return undefined;
    if (value === null || from === null || count === null) return null;
    const characters = Math.trunc(toFloat(count));
    if (characters < 0) throw fault('EvaluatorInvalidArguments', at, 'SUBSTRING of a negative length');
    return substring(value, Math.trunc(toFloat(from)), characters);
  };
}

function toText(compiler: Compiler, call: Of<'call'>): Evaluate {
  const { at, name } = call;
  const operand = compiler.evaluate(operandOf(call, 0));
  const patternExpression = operandOf(call, 1);
  const pattern = textOf(compiler, patternExpression, name, at);
  const constant =
    patternExpression.kind === 'literal' && typeof patternExpression.value === 'string'
      ? timestampFormat(patternExpression.value, at)
      : null;
  return (row) => {
    const value = operand(row);
    const form = pattern(row);
    if (value === undefined || form === undefined) return undefined;
    if (value === null || form === null) return null;
    if (!(value instanceof Timestamp)) throw wrongType(name, value, at);
    return (constant ?? timestampFormat(form, at))(value);
  };
}

export function compileTrim(compiler: Compiler, { side, characters, operand, at }: Of<'trim'>): Evaluate {
  const text = textOf(compiler, operand, 'TRIM', at);
  const trimmed: TextOf = characters === null ? () => ' ' : textOf(compiler, characters, 'TRIM', at);
  return (row) => {
    const value = text(row);
    const taken = trimmed(row);
    if (value === undefined || taken === undefined) return undefined;
    return value === null || taken === null ? null : trimText(value, side, taken);
  };
}

export function compileDates(compiler: Compiler, node: Of<'dateAdd'> | Of<'dateDiff'> | Of<'extract'>): Evaluate {
  const { at, part } = node;
  if (node.kind === 'extract') {
    const operand = timestampOf(compiler, node.operand, 'EXTRACT', at);
    return (row) => {
      const value = operand(row);
      return value === null || value === undefined ? value : extractPart(node.part, value);
    };
  }
  if (node.kind === 'dateDiff') {
    const [first, second] = node.operands;
    const from = timestampOf(compiler, first, 'DATE_DIFF', at);
    const to = timestampOf(compiler, second, 'DATE_DIFF', at);
    return (row) => {
      const start = from(row);
      const end = to(row);
      if (start === undefined || end === undefined) return undefined;
      return start === null || end === null ? null : dateDiff(node.part, start, end);
    };
  }
  const quantity = compiler.compile(node.quantity);
  const operand = timestampOf(compiler, node.operand, 'DATE_ADD', at);
  return (row) => {
    const amount = numberIn(quantity.evaluate(row), quantity.untyped, at);
    const value = operand(row);
    if (amount === undefined || value === undefined) return undefined;
    if (amount === null || value === null) return null;
    if (typeof amount !== 'bigint') throw wrongType(`DATE_ADD(${part}, ...)`, amount, at);
    return dateAdd(node.part, amount, value, at);
  };
}

type TimestampOf = (row: Row) => Timestamp | null | undefined;

/** Text of CSV counts as the timestamp that it is. */
function timestampOf(compiler: Compiler, expression: Expression, name: string, at: Position): TimestampOf {
  const { evaluate, untyped } = compiler.compile(expression);
  return (row) => {
    const value = evaluate(row);
    if (value === null || value === undefined || value instanceof Timestamp) return value;
    const read = untyped && typeof value === 'string' ? Timestamp.parse(value.trim()) : null;
    if (read === null) throw wrongType(name, value, at);
    return read;
  };
}
