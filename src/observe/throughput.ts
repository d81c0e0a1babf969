/**
 * Requests and bytes of the last minutes, by operation, for the admin API: counted in slots of a fixed length that begin at multiples of
 * it since the epoch, so that those of several processes can be added.
 */

export const SLOT_MS = 10_000;
/** Of complete slots; the one that is under way is kept besides. */
export const SLOTS = 30;
const KEPT = SLOTS + 1;

export interface ServedCounts {
  readonly failed: boolean;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** Oldest slot first. */
export interface OperationThroughput {
  readonly name: string;
  readonly requests: readonly number[];
  /** of them answered with a status of 500 or more */
  readonly failures: readonly number[];
  readonly receivedBytes: readonly number[];
  readonly sentBytes: readonly number[];
}

export interface ThroughputFigures {
  readonly slotMs: number;
  /** when the oldest slot begins, ms since the epoch */
  readonly fromMs: number;
  readonly operations: readonly OperationThroughput[];
}

const SERIES = ['requests', 'failures', 'receivedBytes', 'sentBytes'] as const;

/** A ring of slots for one operation. */
class Ring {
  readonly requests = new Float64Array(KEPT);
  readonly failures = new Float64Array(KEPT);
  readonly receivedBytes = new Float64Array(KEPT);
  readonly sentBytes = new Float64Array(KEPT);

  clear(slot: number): void {
    for (const name of SERIES) this[name][slot] = 0;
  }
}

/** Its size is that of the operations' names, which are the server's own. */
export class Throughput {
  readonly #now: () => number;
  readonly #rings = new Map<string, Ring>();
  #slot: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#slot = Math.floor(now() / SLOT_MS);
  }

  add(operation: string, { failed, receivedBytes, sentBytes }: ServedCounts): void {
    this.#advance();
    let ring = this.#rings.get(operation);
    if (ring === undefined) this.#rings.set(operation, (ring = new Ring()));
    const at = this.#slot % KEPT;
    ring.requests[at] = (ring.requests[at] ?? 0) + 1;
    if (failed) ring.failures[at] = (ring.failures[at] ?? 0) + 1;
    ring.receivedBytes[at] = (ring.receivedBytes[at] ?? 0) + receivedBytes;
    ring.sentBytes[at] = (ring.sentBytes[at] ?? 0) + sentBytes;
  }

  /** Of the complete slots. Operations of which there was nothing are left out. */
  figures(): ThroughputFigures {
    this.#advance();
    const first = this.#slot - SLOTS;
    const order = Array.from({ length: SLOTS }, (_, index) => (first + index) % KEPT);
    const inOrder = (values: Float64Array): number[] => order.map((at) => values[at] ?? 0);
    const operations = [...this.#rings].map(([name, ring]) => ({
      name,
      requests: inOrder(ring.requests),
      failures: inOrder(ring.failures),
      receivedBytes: inOrder(ring.receivedBytes),
      sentBytes: inOrder(ring.sentBytes),
    }));
    return {
      slotMs: SLOT_MS,
      fromMs: first * SLOT_MS,
      operations: operations.filter(({ requests }) => requests.some((count) => count > 0)),
    };
  }

  /** Empties the slots between the last request and now. A clock that was set back goes on in the slot it was in. */
  #advance(): void {
    const slot = Math.floor(this.#now() / SLOT_MS);
    if (slot <= this.#slot) return;
    const cleared = Math.min(slot - this.#slot, KEPT);
    for (const ring of this.#rings.values())
      for (let step = 0; step < cleared; step++) ring.clear((slot - step) % KEPT);
    this.#slot = slot;
  }
}

/** The sum of several processes' figures, on the slots of the one whose clock is ahead. Operations in order of their names. */
export function addThroughput(parts: readonly ThroughputFigures[], nowMs: number): ThroughputFigures {
  const fromMs =
    parts.length === 0
      ? (Math.floor(nowMs / SLOT_MS) - SLOTS) * SLOT_MS
      : Math.max(...parts.map((part) => part.fromMs));
  const sums = new Map<string, Record<(typeof SERIES)[number], number[]>>();
  const zeros = (): number[] => new Array<number>(SLOTS).fill(0);
  for (const part of parts) {
    const shift = Math.round((fromMs - part.fromMs) / SLOT_MS);
    for (const operation of part.operations) {
      let sum = sums.get(operation.name);
      if (sum === undefined)
        sums.set(
          operation.name,
          (sum = { requests: zeros(), failures: zeros(), receivedBytes: zeros(), sentBytes: zeros() }),
        );
      for (const series of SERIES)
        for (let index = 0; index + shift < SLOTS; index++)
          sum[series][index] = (sum[series][index] ?? 0) + (operation[series][index + shift] ?? 0);
    }
  }
  const operations = [...sums].map(([name, sum]) => ({ name, ...sum })).sort((a, b) => (a.name < b.name ? -1 : 1));
  return { slotMs: SLOT_MS, fromMs, operations };
}
