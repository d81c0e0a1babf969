/** Names statements for metrics and traces: what they do and to which table, never their values. Pure but for its cache. */
import type { StatementKind } from './driver-errors.js';

/** Statements are fixed texts, but for keyspaces; the bound is for those that would not be. */
const MAX_NAMES = 2_000;

const STATEMENT =
  /^\s*(?:(SELECT)\b[\s\S]*?\bFROM|(INSERT)\s+INTO|(UPDATE)|(DELETE)\b[\s\S]*?\bFROM)\s+(?:(?:"[^"]+"|\w+)\.)?"?(\w+)/i;

export class CallNames {
  readonly #names = new Map<string, string>();

  /** 'select chunk', 'insert chunk', 'update object'; of conditional ones 'cas object', 'other' for what is none of these */
  of(query: string, kind: StatementKind): string {
    const key = kind === 'cas' ? `cas ${query}` : query;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name = callName(query, kind);
    if (this.#names.size < MAX_NAMES) this.#names.set(key, name);
    return name;
  }
}

export function callName(query: string, kind: StatementKind): string {
  const found = STATEMENT.exec(query);
  const table = found?.[5]?.toLowerCase();
  if (found === null || table === undefined) return 'other';
  const verb = found[1] ?? found[2] ?? found[3] ?? found[4] ?? '';
  return `${kind === 'cas' ? 'cas' : verb.toLowerCase()} ${table}`;
}
