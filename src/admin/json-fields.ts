/** Reads the fields of a JSON object that a client sent; every fault names the field. Call done() when all have been read. */
import { IamError } from '../iam/iam-errors.js';

export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

export class JsonFields {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #read = new Set<string>();

  /** @throws IamError ValidationError when it is not a JSON object */
  static parse(text: string): JsonFields {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new IamError('ValidationError', 'The body is not JSON.', cause);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new IamError('ValidationError', 'The body must be a JSON object.');
    return new JsonFields(new Map(Object.entries(value)));
  }

  constructor(values: ReadonlyMap<string, unknown>) {
    this.#values = values;
  }

  has(name: string): boolean {
    this.#read.add(name);
    return this.#values.has(name);
  }

  /** The value as it came; undefined without one. */
  raw(name: string): unknown {
    this.#read.add(name);
    return this.#values.get(name);
  }

  /** A text that is not empty. */
  text(name: string): string {
    return this.optionalText(name) ?? missing(name);
  }

  optionalText(name: string): string | null {
    const value = this.raw(name) ?? null;
    if (value === null) return null;
    if (typeof value !== 'string' || value === '') throw refused(name, 'must be a text that is not empty');
    return value;
  }

  flag(name: string): boolean {
    return this.optionalFlag(name) ?? missing(name);
  }

  optionalFlag(name: string): boolean | null {
    const value = this.raw(name) ?? null;
    if (value !== null && typeof value !== 'boolean') throw refused(name, 'must be true or false');
    return value;
  }

  integer(name: string, range: NumberRange): number {
    return this.optionalInteger(name, range) ?? missing(name);
  }

  /** null: absent or null */
  optionalInteger(name: string, { min, max }: NumberRange): number | null {
    const value = this.raw(name) ?? null;
    if (value === null) return null;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
      throw refused(name, `must be a whole number from ${min} to ${max}`);
    return value;
  }

  /** Refuses what nobody asked for: a misspelt field must not pass for one that was left out. */
  done(): void {
    for (const name of this.#values.keys()) if (!this.#read.has(name)) throw refused(name, 'is not a known field');
  }
}

function missing(name: string): never {
  throw refused(name, 'is needed and not given');
}

function refused(name: string, reason: string): IamError {
  return new IamError('ValidationError', `${name} ${reason}.`);
}
