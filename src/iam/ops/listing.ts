/** Lists by pages: Marker, MaxItems, IsTruncated. */
import type { Page } from '../iam-params.js';
import { markerOf } from '../iam-params.js';
import type { AccountReader, Documents, Kind, Listed } from '../iam-store.js';

export interface Paged<Value> {
  readonly items: readonly Value[];
  /** where the next page begins; null: this is the last */
  readonly marker: string | null;
}

export interface Scan<K extends Kind, Value> {
  readonly kind: K;
  /** what names begin with, which markers leave out */
  readonly prefix?: string;
  /** null: not wanted, or gone meanwhile */
  readonly read: (found: Listed<Documents[K]>) => Promise<Value | null>;
}

const BATCH = 100;

/** The items of a kind in the order of their documents' names. */
export async function pageOf<K extends Kind, Value>(
  reader: AccountReader,
  page: Page,
  { kind, prefix = '', read }: Scan<K, Value>,
): Promise<Paged<Value>> {
  const items: Value[] = [];
  let after = page.after === '' ? '' : prefix + page.after;
  let last = '';
  for (;;) {
    const found = await reader.list(kind, { prefix, after, limit: BATCH });
    const values = await Promise.all(found.map(read));
    for (const [index, { name }] of found.entries()) {
      const value = values[index] ?? null;
      if (value === null) continue;
      if (items.length === page.maxItems) return { items, marker: markerOf(last.slice(prefix.length)) };
      items.push(value);
      last = name;
    }
    if (found.length < BATCH) return { items, marker: null };
    after = found.at(-1)?.name ?? '';
  }
}

/** Of a list in memory, sorted by name. */
export function pageOfNames<Value>(all: readonly Value[], page: Page, nameOf: (value: Value) => string): Paged<Value> {
  const sorted = all
    .map((value) => ({ value, name: nameOf(value) }))
    .filter(({ name }) => page.after === '' || name > page.after)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const shown = sorted.slice(0, page.maxItems);
  const last = shown.at(-1);
  const marker = sorted.length > shown.length && last !== undefined ? markerOf(last.name) : null;
  return { items: shown.map(({ value }) => value), marker };
}

/** All that a kind has under a prefix. */
export async function allOf<K extends Kind>(
  reader: AccountReader,
  kind: K,
  prefix: string,
): Promise<readonly Listed<Documents[K]>[]> {
  const all: Listed<Documents[K]>[] = [];
  let after = '';
  for (;;) {
    const found = await reader.list(kind, { prefix, after, limit: 1000 });
    all.push(...found);
    if (found.length < 1000) return all;
    after = found.at(-1)?.name ?? '';
  }
}
