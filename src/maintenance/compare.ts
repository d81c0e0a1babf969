/** What two heaps of records differ in, part by part; a part that is too large for memory is cut into parts of its own. */
import { Spill, PARTS } from './spill.js';
import type { SpillRecord } from './spill.js';

export interface Difference {
  readonly id: Buffer;
  /** null: there is no record with that id on that side */
  readonly left: Buffer | null;
  readonly right: Buffer | null;
}

export interface CompareOptions {
  /** Held in memory, part by part. */
  readonly left: Spill;
  readonly right: Spill;
  readonly part: number;
  /** Ids that only the left has are differences too. */
  readonly leftOnly: boolean;
  /** A larger part of the left is cut. */
  readonly maxPartBytes?: number;
}

const MAX_PART_BYTES = 16 * 1024 * 1024;
/** Bytes of the hash that records carry. */
const MAX_DEPTH = 3;

interface Held {
  readonly payload: Buffer;
  seen: boolean;
}

/** Several records with one id on one side: the last of the left counts, each of the right is compared. */
export async function* differences(options: CompareOptions): AsyncGenerator<Difference> {
  const { left, right, part, leftOnly, maxPartBytes = MAX_PART_BYTES } = options;
  await left.relieve({ all: true });
  if ((left.sizes[part] ?? 0) > maxPartBytes && left.depth < MAX_DEPTH) {
    yield* cut({ ...options, maxPartBytes });
    return;
  }
  const held = new Map<string, Held>();
  for await (const { id, payload } of left.read(part))
    held.set(id.toString('latin1'), { payload: Buffer.from(payload), seen: false });
  for await (const { id, payload } of right.read(part)) {
    const known = held.get(id.toString('latin1'));
    if (known === undefined) yield { id, left: null, right: payload };
    else {
      known.seen = true;
      if (!known.payload.equals(payload)) yield { id, left: known.payload, right: payload };
    }
  }
  if (!leftOnly) return;
  for (const [id, { payload, seen }] of held)
    if (!seen) yield { id: Buffer.from(id, 'latin1'), left: payload, right: null };
}

async function* cut(options: CompareOptions): AsyncGenerator<Difference> {
  const { left, right, part } = options;
  const depth = left.depth + 1;
  const smaller = {
    left: new Spill(`${left.dir}.${part}`, { depth }),
    right: new Spill(`${right.dir}.${part}`, { depth }),
  };
  try {
    await copy(left.read(part), smaller.left);
    await copy(right.read(part), smaller.right);
    for (let at = 0; at < PARTS; at++) yield* differences({ ...options, ...smaller, part: at });
  } finally {
    await smaller.left.remove();
    await smaller.right.remove();
  }
}

async function copy(records: AsyncIterable<SpillRecord>, to: Spill): Promise<void> {
  let count = 0;
  for await (const record of records) {
    to.add({ hash: Buffer.from(record.hash), id: Buffer.from(record.id), payload: Buffer.from(record.payload) });
    if (++count % 1_000 === 0) await to.relieve();
  }
}
