/** A query made ready for one object: which records pass, and what of them is written. */
import type { Statement } from './ast.js';
import { Compiler } from './compile.js';
import { CsvWriter } from './csv-writer.js';
import { JsonWriter, jsonText } from './json-writer.js';
import { projectionName } from './parse-statement.js';
import type { Evaluate, Schema } from './schema.js';
import type { SelectOutput } from './types.js';
import type { Row, Value } from './value.js';
import { isList, isObject } from './value.js';
import { Work } from './work.js';

export interface QueryOptions {
  readonly statement: Statement;
  readonly schema: Schema;
  readonly output: SelectOutput;
  /** ms since the epoch */
  readonly nowMs: number;
}

interface Column {
  readonly name: string;
  /** null: all of the record */
  readonly evaluate: Evaluate | null;
}

export class Query {
  readonly statement: Statement;
  /** Columns that are read, by position; null: all. */
  readonly columns: readonly number[] | null;
  readonly #schema: Schema;
  readonly #work = new Work();
  readonly #compiler: Compiler;
  readonly #where: Evaluate | null;
  readonly #projections: readonly Column[];
  readonly #csv: CsvWriter | null;
  readonly #json: JsonWriter | null;

  /** @throws S3Error for names and arguments that are wrong whatever the records are */
  constructor({ statement, schema, output, nowMs }: QueryOptions) {
    this.statement = statement;
    this.#schema = schema;
    const compiler = new Compiler({ statement, schema, work: this.#work, nowMs });
    this.#compiler = compiler;
    this.#where = statement.where === null ? null : compiler.evaluate(statement.where);
    this.#projections = statement.projections.map((projection, index) => {
      if (projection.kind === 'all') return { name: '', evaluate: null };
      const name = projectionName(projection.expression, projection.alias, index + 1);
      return { name, evaluate: compiler.evaluate(projection.expression) };
    });
    const all = this.#projections.some(({ evaluate }) => evaluate === null);
    this.columns = all ? null : [...compiler.columns].sort((a, b) => a - b);
    this.#csv = output.kind === 'csv' ? new CsvWriter(output) : null;
    this.#json = output.kind === 'json' ? new JsonWriter(output) : null;
  }

  /** Whether WHERE lets the record through. To be asked before anything else about a record. */
  accepts(row: Row): boolean {
    this.#work.begin();
    return this.#where === null || this.#where(row) === true;
  }

  /** Adds an accepted record to the aggregate functions. */
  aggregate(row: Row): void {
    this.#compiler.aggregate(row);
  }

  /** The result of an accepted record, or of the aggregate functions. @throws S3Error OverMaxRecordSize, CastFailed, ... */
  write(row: Row): string {
    // The work of the last record has nothing to do with that of the result.
    if (this.statement.aggregates) this.#work.begin();
    const names: string[] = [];
    const values: Value[] = [];
    for (const { name, evaluate } of this.#projections) {
      if (evaluate === null) this.#all(row, names, values);
      else {
        names.push(name);
        values.push(evaluate(row));
      }
    }
    if (this.#csv !== null) return this.#csv.record(values);
    return this.#json?.record(names, values) ?? '';
  }

  #all(row: Row, names: string[], values: Value[]): void {
    if (this.#schema.kind === 'columns') {
      const columns = row as readonly Value[];
      for (let index = 0; index < columns.length; index += 1) {
        names.push(this.#schema.names?.[index] ?? `_${index + 1}`);
        values.push(columns[index]);
      }
      return;
    }
    const value = row as Value;
    if (isObject(value)) {
      for (const [name, item] of Object.entries(value)) {
        names.push(name);
        values.push(item);
      }
    } else if (value !== undefined) {
      names.push('_1');
      values.push(isList(value) && this.#csv !== null ? jsonText(value) : value);
    }
  }
}
