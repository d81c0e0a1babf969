// The schema engine: a section is a table of fields, a field a YAML key with a parser and a rule for its absence. Parsers
// never throw; they report to the reader's issues and answer null, so one pass finds every fault. The field tables are
// in service-fields.ts, cassandra-fields.ts and runtime-fields.ts; the parsers of single values in parsers.ts.
import type { Issues } from './issues.js';
import type { MapNode, NothingNode, SourceNode } from './source.js';
import { hint } from './suggest.js';

/** What parsers may use besides the value itself. */
export interface Reader {
  readonly issues: Issues;
  /** Absolute path of a path in the configuration, which counts from the configuration file's folder. */
  resolvePath(path: string): string;
}

/** A value that is there, with where it stands. */
export interface Place<Node extends SourceNode = Exclude<SourceNode, NothingNode | { kind: 'invalid' }>> {
  readonly node: Node;
  readonly key: string;
  readonly reader: Reader;
}

/** Null after a fault, which the parser has reported; so no parsed value is null. */
export type Parser<T> = (place: Place) => T | null;

export type Presence = 'required' | 'optional' | 'defaulted';

export interface Field<T, P extends Presence = Presence> {
  /** The YAML key, then other spellings of it. */
  readonly keys: readonly [string, ...string[]];
  readonly presence: P;
  readonly parse: Parser<T>;
  /** What stands in for an absent value; given exactly when presence is 'defaulted'. */
  readonly absent?: (place: { readonly key: string; readonly reader: Reader; readonly line: number }) => T | null;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
type ValueOf<F> = F extends Field<infer T> ? T : never;
type OptionalNames<F extends Fields> = { [K in keyof F]: F[K] extends Field<unknown, 'optional'> ? K : never }[keyof F];

/** The object that a table of fields reads. */
export type Output<F extends Fields> = { readonly [K in Exclude<keyof F, OptionalNames<F>>]: ValueOf<F[K]> } & {
  readonly [K in OptionalNames<F>]?: ValueOf<F[K]>;
};

type Keys = string | readonly [string, ...string[]];

function keyList(keys: Keys): readonly [string, ...string[]] {
  return typeof keys === 'string' ? [keys] : keys;
}

export function required<T>(keys: Keys, parse: Parser<T>): Field<T, 'required'> {
  return { keys: keyList(keys), presence: 'required', parse };
}

export function optional<T>(keys: Keys, parse: Parser<T>): Field<T, 'optional'> {
  return { keys: keyList(keys), presence: 'optional', parse };
}

export function defaulted<T>(keys: Keys, parse: Parser<T>, value: NoInfer<T>): Field<T, 'defaulted'> {
  return { keys: keyList(keys), presence: 'defaulted', parse, absent: () => value };
}

/** A section all of whose fields have defaults: leaving it out is the same as leaving it empty. */
export function nested<T>(keys: Keys, parse: Parser<T>): Field<T, 'defaulted'> {
  return {
    keys: keyList(keys),
    presence: 'defaulted',
    parse,
    absent: ({ key, reader, line }) => parse({ node: { kind: 'map', entries: new Map(), line }, key, reader }),
  };
}

/** Keys of the original Pithos that mean nothing here: accepted, with the reason as a warning. */
export type Historical = Readonly<Record<string, string>>;

interface Known<F extends Fields = Fields> {
  readonly fields: F;
  readonly historical?: Historical;
}

export interface SectionOptions<F extends Fields> extends Known<F> {
  /** Looks at the raw map for what no single field can see; may report faults and warnings. */
  readonly inspect?: (place: Place<MapNode>) => void;
  /** Looks at the values together, after all of them were read; may report faults and warnings. */
  readonly check?: (value: Output<F>, place: Place<MapNode>) => void;
}

/** A parser for a map with known keys. */
export function section<const F extends Fields>(options: SectionOptions<F>): Parser<Output<F>> {
  return (place) => {
    const map = asMap(place, 'a map of settings');
    if (map === null) return null;
    const faultsBefore = place.reader.issues.faults.length;
    const output = readSection(options, map);
    options.inspect?.(map);
    if (output !== null) options.check?.(output, map);
    return place.reader.issues.faults.length > faultsBefore ? null : output;
  };
}

function readSection<F extends Fields>(options: SectionOptions<F>, place: Place<MapNode>): Output<F> | null {
  reportStrangers(options, place);
  const output: Record<string, unknown> = {};
  let complete = true;
  for (const [name, field] of Object.entries(options.fields)) {
    const found = findEntry(field, place);
    const key = join(place.key, found?.name ?? field.keys[0]);
    const { reader } = place;
    let value: unknown = null;
    if (found === null || found.node.kind === 'nothing') {
      if (field.presence === 'optional') continue;
      const line = found?.node.line ?? place.node.line;
      value = field.absent?.({ key, reader, line }) ?? null;
      if (field.presence === 'required') reader.issues.fault({ line, key, reason: 'is needed and not given' });
    } else if (found.node.kind !== 'invalid') {
      value = field.parse({ node: found.node, key, reader });
    }
    if (value === null) complete = false;
    else output[name] = value;
  }
  return complete ? (output as Output<F>) : null;
}

function findEntry(field: Field<unknown>, place: Place<MapNode>): { name: string; node: SourceNode } | null {
  const present = field.keys.filter((name) => place.node.entries.has(name));
  const [name, second] = present;
  if (name === undefined) return null;
  const entry = place.node.entries.get(name);
  if (second !== undefined) {
    const line = place.node.entries.get(second)?.line ?? null;
    const reason = `means the same as ${name}, which is also given: keep one`;
    place.reader.issues.fault({ line, key: join(place.key, second), reason });
  }
  return entry === undefined ? null : { name, node: entry.value };
}

function reportStrangers({ fields, historical = {} }: Known, place: Place<MapNode>): void {
  const known = new Set(Object.values(fields).flatMap((field) => field.keys));
  const { issues } = place.reader;
  for (const [name, { line }] of place.node.entries) {
    if (known.has(name)) continue;
    const key = join(place.key, name);
    const reason = Object.hasOwn(historical, name) ? historical[name] : undefined;
    if (reason !== undefined) issues.warn({ line, key, reason });
    else issues.fault({ line, key, reason: `is not a known setting${hint(name, known)}` });
  }
}

/** A parser for a map with free keys; `name` checks and converts a key, and the result has no prototype. */
export function record<T>(options: {
  readonly what: string;
  readonly name: Parser<string>;
  readonly value: Parser<T>;
}): Parser<Readonly<Record<string, T>>> {
  return (place) => {
    const map = asMap(place, options.what);
    if (map === null) return null;
    const output = Object.create(null) as Record<string, T>;
    let complete = true;
    for (const [rawName, { line, value: node }] of map.node.entries) {
      const key = join(place.key, rawName);
      const { reader } = place;
      const name = options.name({ node: { kind: 'text', text: rawName, line }, key, reader });
      let value: T | null = null;
      if (node.kind === 'nothing') reader.issues.fault({ line, key, reason: 'is empty' });
      else if (node.kind !== 'invalid') value = options.value({ node, key, reader });
      if (name !== null && name in output) {
        reader.issues.fault({ line, key, reason: `is another spelling of ${name}, which is also given: keep one` });
      }
      if (name === null || value === null) complete = false;
      else output[name] = value;
    }
    return complete ? output : null;
  };
}

/** A parser for a list, or for one value in place of a list of one. */
export function listOf<T>(item: Parser<T>): Parser<readonly T[]> {
  return ({ node, key, reader }) => {
    if (node.kind !== 'list') {
      const value = item({ node, key, reader });
      return value === null ? null : [value];
    }
    const values: T[] = [];
    for (const [index, element] of node.items.entries()) {
      const elementKey = `${key}[${index}]`;
      if (element.kind === 'nothing') reader.issues.fault({ line: element.line, key: elementKey, reason: 'is empty' });
      else if (element.kind !== 'invalid') {
        const value = item({ node: element, key: elementKey, reader });
        if (value !== null) values.push(value);
      }
    }
    return values.length === node.items.length ? values : null;
  };
}

/** Reports a fault at a place; the null is the parser's answer. */
export function refuse(place: Place, reason: string): null {
  place.reader.issues.fault({ line: place.node.line, key: place.key, reason });
  return null;
}

function asMap(place: Place, what: string): Place<MapNode> | null {
  const { node, key, reader } = place;
  return node.kind === 'map' ? { node, key, reader } : refuse(place, `must be ${what}`);
}

export function join(parent: string, name: string): string {
  return parent === '' ? name : `${parent}.${name}`;
}
