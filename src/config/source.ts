// YAML text to a small tree in which every scalar is text and everything knows its line. Aliases, merge keys ('<<') and
// ${NAME} references are resolved here, so that the schema sees values only. Types are the schema's business: reading
// scalars as text keeps `tenant: 007` and `secret: 1e5` as they were written.
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node, Scalar, YAMLMap } from 'yaml';
import type { Issues } from './issues.js';
import { substitute } from './substitute.js';

export interface TextNode {
  readonly kind: 'text';
  readonly text: string;
  readonly line: number;
}
export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly SourceNode[];
  readonly line: number;
}
export interface MapEntry {
  /** Line of the key. */
  readonly line: number;
  readonly value: SourceNode;
}
export interface MapNode {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, MapEntry>;
  readonly line: number;
}
/** A key without a value (`files:`), an explicit null, or a reference that came out empty: as if it were not written. */
export interface NothingNode {
  readonly kind: 'nothing';
  readonly line: number;
}
/** A value whose fault has been reported; readers pass it by in silence. */
export interface InvalidNode {
  readonly kind: 'invalid';
  readonly line: number;
}
export type SourceNode = TextNode | ListNode | MapNode | NothingNode | InvalidNode;

/** Values of environment variables by name; undefined means unset. */
export type Environment = Readonly<Record<string, string | undefined>>;

// A configuration has a few hundred values; these bounds only stop aliases that multiply or contain themselves.
const MAX_NODES = 100_000;
const MAX_DEPTH = 32;
const NULL_WORDS = new Set(['', '~', 'null', 'Null', 'NULL']);

export interface ParseSourceOptions {
  readonly text: string;
  readonly issues: Issues;
  /** When given, `${NAME}` and `${NAME:-fallback}` in keys and values are replaced. */
  readonly env?: Environment;
}

/** The root of the tree, or null after faults in the YAML itself (all of them reported). An empty text is an empty map. */
export function parseSource(options: ParseSourceOptions): MapNode | null {
  const { text, issues, env } = options;
  const lineCounter = new LineCounter();
  // prettyErrors would quote the offending lines, and with them secrets.
  const doc = parseDocument(text, { lineCounter, schema: 'failsafe', prettyErrors: false, uniqueKeys: true });
  for (const error of doc.errors) {
    issues.fault({ line: lineCounter.linePos(error.pos[0]).line, key: '', reason: `not YAML: ${error.message}` });
  }
  if (doc.errors.length > 0) return null;
  const root = new Converter({ doc, lineCounter, issues, env }).convert(doc.contents, { key: '', line: 1, depth: 0 });
  if (root.kind === 'map') return root;
  if (root.kind === 'nothing') return { kind: 'map', entries: new Map(), line: 1 };
  if (root.kind !== 'invalid') {
    issues.fault({ line: root.line, key: '', reason: 'must be a map of sections such as service and keystore' });
  }
  return null;
}

interface ConverterOptions {
  readonly doc: Document.Parsed;
  readonly lineCounter: LineCounter;
  readonly issues: Issues;
  readonly env: Environment | undefined;
}

interface Position {
  readonly key: string;
  /** Line to report for nodes that have no text of their own. */
  readonly line: number;
  readonly depth: number;
}

class Converter {
  readonly #options: ConverterOptions;
  #nodeCount = 0;

  constructor(options: ConverterOptions) {
    this.#options = options;
  }

  convert(node: Node | null, at: Position): SourceNode {
    const line = this.#lineOf(node) ?? at.line;
    this.#nodeCount += 1;
    if (at.depth > MAX_DEPTH || this.#nodeCount > MAX_NODES) {
      // Once is enough: the same alias may be reached a hundred thousand times.
      if (this.#nodeCount <= MAX_NODES + 1) {
        this.#options.issues.fault({ line, key: at.key, reason: 'aliases or nesting go too deep' });
      }
      this.#nodeCount = Math.max(this.#nodeCount, MAX_NODES + 1);
      return { kind: 'invalid', line };
    }
    if (isAlias(node)) {
      const target = node.resolve(this.#options.doc);
      if (target !== undefined) return this.convert(target, { ...at, line, depth: at.depth + 1 });
      this.#options.issues.fault({ line, key: at.key, reason: `nothing is anchored as &${node.source}` });
      return { kind: 'invalid', line };
    }
    if (isMap(node)) return { kind: 'map', entries: this.#entries(node, { ...at, line }), line };
    if (isSeq(node)) {
      const items = node.items.map((item, index) =>
        this.convert(item as Node | null, { key: `${at.key}[${index}]`, line, depth: at.depth + 1 }),
      );
      return { kind: 'list', items, line };
    }
    if (isScalar(node)) return this.#scalar(node, { ...at, line });
    return { kind: 'nothing', line };
  }

  #entries(map: YAMLMap, at: Position): Map<string, MapEntry> {
    const entries = new Map<string, MapEntry>();
    const merged: MapEntry[] = [];
    for (const pair of map.items) {
      const keyNode = pair.key as Node | null;
      const line = this.#lineOf(keyNode) ?? at.line;
      const valueNode = pair.value as Node | null;
      if (!isScalar(keyNode)) {
        this.#options.issues.fault({ line, key: at.key, reason: 'a key must be a plain text' });
        continue;
      }
      const key = this.#substituted(textOf(keyNode), { key: at.key, line });
      if (key === null) continue;
      const path = at.key === '' ? key : `${at.key}.${key}`;
      const value = this.convert(valueNode, { key: path, line, depth: at.depth + 1 });
      if (key === '<<' && keyNode.type === 'PLAIN') merged.push({ line, value });
      else if (entries.has(key)) this.#options.issues.fault({ line, key: path, reason: 'is given twice' });
      else entries.set(key, { line, value });
    }
    for (const { line, value } of merged) this.#merge(entries, { line, value, key: at.key });
    return entries;
  }

  /** YAML's merge key: what the map itself says wins, then the earlier of the merged maps. */
  #merge(entries: Map<string, MapEntry>, source: MapEntry & { readonly key: string }): void {
    const maps = source.value.kind === 'list' ? source.value.items : [source.value];
    for (const map of maps) {
      if (map.kind === 'map') {
        for (const [key, entry] of map.entries) if (!entries.has(key)) entries.set(key, entry);
      } else if (map.kind !== 'invalid') {
        this.#options.issues.fault({
          line: source.line,
          key: source.key,
          reason: "'<<' must merge a map, as in <<: *name",
        });
      }
    }
  }

  #scalar(node: Scalar, at: Position): SourceNode {
    const raw = textOf(node);
    if (node.type === 'PLAIN' && NULL_WORDS.has(raw)) return { kind: 'nothing', line: at.line };
    const text = this.#substituted(raw, at);
    if (text === null) return { kind: 'invalid', line: at.line };
    if (text === '' && raw !== '') return { kind: 'nothing', line: at.line };
    return { kind: 'text', text, line: at.line };
  }

  #substituted(text: string, at: { readonly key: string; readonly line: number }): string | null {
    const { env, issues } = this.#options;
    if (env === undefined) return text;
    const result = substitute(text, env);
    for (const reason of result.faults) issues.fault({ line: at.line, key: at.key, reason });
    return result.faults.length === 0 ? result.text : null;
  }

  #lineOf(node: Node | null): number | null {
    const offset = node?.range?.[0];
    return offset === undefined ? null : this.#options.lineCounter.linePos(offset).line;
  }
}

function textOf(scalar: Scalar): string {
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? '');
}
