/**
 * What names mean: columns of CSV and Parquet by header or position, attributes of JSON by path. Names without double quotes are
 * found whatever their case, and are an error where several differ in case only.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-select.html
 */
import type { Expression, Name, PathStep, Statement } from './ast.js';
import type { Position } from './fault.js';
import { fault } from './fault.js';
import type { Item, ItemObject, Row, Value } from './value.js';
import { isList, isObject, numberOfJson } from './value.js';

/** What the records of an object look like. */
export type Schema =
  | { readonly kind: 'json' }
  | {
      readonly kind: 'columns';
      /** null: columns have no names, only positions */
      readonly names: readonly string[] | null;
      /** text whose type follows from what it is compared with, as in CSV */
      readonly untyped: boolean;
      /** There is no record at all, and no header that could have named columns. */
      readonly empty?: boolean;
    };

export type Evaluate = (row: Row) => Value;

export interface Access {
  readonly evaluate: Evaluate;
  readonly untyped: boolean;
  /** the column that is read; null: all of the record */
  readonly column: number | null;
}

type Path = Extract<Expression, { kind: 'path' }>;

/** The name of records: that of AS, else the last name of the FROM path, `_1` after a wildcard. */
function rowName({ alias, path }: Pick<Statement, 'alias' | 'path'>): Name {
  if (alias !== null) return alias;
  const last = path.at(-1);
  return last?.kind === 'name' ? last.name : { text: '_1', quoted: false };
}

/** @throws S3Error AmbiguousFieldName, EvaluatorBindingDoesNotExist, InvalidColumnIndex, InvalidKeyPath */
export function accessOf(path: Path, statement: Pick<Statement, 'alias' | 'path'>, schema: Schema): Access {
  const { at, root } = path;
  const named: PathStep = { kind: 'name', name: root };
  const ofRow = sameName(root, rowName(statement));
  if (schema.kind === 'json') {
    const steps = ofRow ? path.steps : [named, ...path.steps];
    return { evaluate: (row) => followed(row as Value, steps, at, true), untyped: false, column: null };
  }
  const [first = named, ...rest] = ofRow ? path.steps : [named, ...path.steps];
  if (first.kind !== 'name') throw fault('InvalidKeyPath', at);
  if (schema.empty === true) return { evaluate: () => undefined, untyped: schema.untyped, column: null };
  const column = columnOf(first.name, schema.names, at);
  if (rest.length === 0)
    return { evaluate: (row) => (row as readonly Value[])[column], untyped: schema.untyped, column };
  if (schema.untyped) throw fault('InvalidKeyPath', at, 'the columns of CSV have nothing below them');
  return { evaluate: (row) => followed((row as readonly Value[])[column], rest, at, false), untyped: false, column };
}

function sameName(name: Name, wanted: Name): boolean {
  if (name.quoted || wanted.quoted) return name.text === wanted.text;
  return name.text.toLowerCase() === wanted.text.toLowerCase();
}

const POSITION = /^_(\d{1,7})$/;

function columnOf(name: Name, names: readonly string[] | null, at: Position): number {
  const lower = name.text.toLowerCase();
  const found: number[] = [];
  names?.forEach((candidate, index) => {
    if (name.quoted ? candidate === name.text : candidate.toLowerCase() === lower) found.push(index);
  });
  if (found.length > 1) throw fault('AmbiguousFieldName', at, name.text);
  const [only] = found;
  if (only !== undefined) return only;
  const position = POSITION.exec(name.text)?.[1];
  if (position === undefined) throw fault('EvaluatorBindingDoesNotExist', at, name.text.slice(0, 100));
  if (Number(position) === 0) throw fault('InvalidColumnIndex', at, name.text);
  return Number(position) - 1;
}

/** What a path leads to; MISSING when it leads nowhere. @param json numbers are as JSON.parse made them */
function followed(start: Value, steps: readonly PathStep[], at: Position, json: boolean): Value {
  let value = start;
  for (const step of steps) value = stepInto(value, step, at);
  return json && typeof value === 'number' ? numberOfJson(value) : value;
}

function stepInto(value: Value, step: PathStep, at: Position): Value {
  if (step.kind === 'index') return isList(value) ? value[step.index] : undefined;
  if (step.kind !== 'name') return undefined;
  if (isObject(value)) return attributeOf(value, step.name, at);
  if (isList(value)) {
    const position = POSITION.exec(step.name.text)?.[1];
    return position === undefined ? undefined : value[Number(position) - 1];
  }
  // A record that is no object has itself as its only column.
  return step.name.text === '_1' ? value : undefined;
}

function attributeOf(object: ItemObject, name: Name, at: Position): Item | undefined {
  const { text } = name;
  if (name.quoted) return Object.hasOwn(object, text) ? object[text] : undefined;
  const lower = text.toLowerCase();
  let found: string | undefined;
  for (const key of Object.keys(object)) {
    if (key !== text && (key.length !== text.length || key.toLowerCase() !== lower)) continue;
    if (found !== undefined) throw fault('AmbiguousFieldName', at, text);
    found = key;
  }
  return found === undefined ? undefined : object[found];
}

/**
 * The records that a FROM path finds in a value. A wildcard that finds none yields MISSING once.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-select.html#s3-select-sql-reference-from
 */
export function* rowsBelow(value: Value, steps: readonly PathStep[], from = 0): Generator<Value, void, void> {
  let current = value;
  for (let index = from; index < steps.length; index += 1) {
    const step = steps[index];
    if (step === undefined) break;
    if (step.kind === 'elements' || step.kind === 'values') {
      const below: readonly Item[] =
        step.kind === 'elements' ? (isList(current) ? current : []) : isObject(current) ? Object.values(current) : [];
      if (below.length === 0) yield undefined;
      for (const item of below) yield* rowsBelow(item, steps, index + 1);
      return;
    }
    current = stepInto(current, step, { line: 1, column: 1 });
  }
  yield current;
}
