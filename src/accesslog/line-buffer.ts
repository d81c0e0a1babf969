/**
 * Lines of access logs that wait for their delivery, in batches by bucket, configuration and, where keys are by the time of the
 * event, day. Bounded: what waits and what is being delivered together; beyond it the oldest lines of the largest batch that
 * waits are dropped, and counted.
 */
import type { LoggingConfiguration } from '../s3/logging.js';
import { LOGGING_DOCUMENT, startOfDay } from '../s3/logging.js';
import type { BucketRecord } from '../store/types.js';

export interface Batch {
  readonly slot: string;
  readonly source: Pick<BucketRecord, 'name' | 'owner' | 'region'>;
  readonly configuration: LoggingConfiguration;
  /** ms since the epoch: within the day of all lines where keys are by it */
  readonly dayMs: number;
  /** oldest first */
  readonly lines: readonly string[];
  readonly sizeBytes: number;
}

interface Growing extends Batch {
  lines: string[];
  sizeBytes: number;
}

export interface Line {
  readonly text: string;
  /** ms since the epoch */
  readonly timeMs: number;
}

/** What a line costs beside its text. */
const LINE_OVERHEAD_BYTES = 64;

export class LineBuffer {
  readonly #maxBytes: number;
  readonly #waiting = new Map<string, Growing>();
  readonly #underWay = new Set<Batch>();
  #waitingBytes = 0;
  #underWayBytes = 0;
  #dropped = 0;

  constructor({ maxBytes }: { readonly maxBytes: number }) {
    this.#maxBytes = maxBytes;
  }

  /** Of all lines that are not delivered yet. */
  get heldBytes(): number {
    return this.#waitingBytes + this.#underWayBytes;
  }

  /** @returns the batch that it waits in */
  add(source: BucketRecord, configuration: LoggingConfiguration, { text, timeMs }: Line): Batch {
    const dayMs = startOfDay(timeMs);
    const day = configuration.keyFormat === 'by-event-time' ? dayMs : '';
    const slot = `${source.instance} ${day} ${source.documents[LOGGING_DOCUMENT] ?? ''}`;
    let batch = this.#waiting.get(slot);
    if (batch === undefined) {
      const { name, owner, region } = source;
      batch = { slot, source: { name, owner, region }, configuration, dayMs, lines: [], sizeBytes: 0 };
      this.#waiting.set(slot, batch);
    }
    const sizeBytes = sizeOf(text);
    batch.lines.push(text);
    batch.sizeBytes += sizeBytes;
    this.#waitingBytes += sizeBytes;
    this.#keepWithin();
    return batch;
  }

  /** Takes over whoever delivers it; done or putBack ends that. */
  take(batch: Batch): void {
    if (!this.#waiting.delete(batch.slot)) return;
    this.#underWay.add(batch);
    this.#waitingBytes -= batch.sizeBytes;
    this.#underWayBytes += batch.sizeBytes;
  }

  /** All that wait, oldest batch first. */
  takeAll(): readonly Batch[] {
    const batches = [...this.#waiting.values()];
    for (const batch of batches) this.take(batch);
    return batches;
  }

  done(batch: Batch): void {
    if (this.#underWay.delete(batch)) this.#underWayBytes -= batch.sizeBytes;
  }

  /** Its lines wait again, before those that have come since. */
  putBack(batch: Batch): void {
    this.done(batch);
    const newer = this.#waiting.get(batch.slot);
    this.#waiting.set(batch.slot, {
      ...batch,
      lines: [...batch.lines, ...(newer?.lines ?? [])],
      sizeBytes: batch.sizeBytes + (newer?.sizeBytes ?? 0),
    });
    this.#waitingBytes += batch.sizeBytes;
    this.#keepWithin();
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get waitingLines(): number {
    return [...this.#waiting.values()].reduce((sum, { lines }) => sum + lines.length, 0);
  }

  /** null: nothing waits */
  largest(): Batch | null {
    return this.#largest();
  }

  /** How many lines were dropped since this was asked last. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #largest(): Growing | null {
    let largest: Growing | null = null;
    for (const batch of this.#waiting.values())
      if (largest === null || batch.sizeBytes > largest.sizeBytes) largest = batch;
    return largest;
  }

  /** Only what waits can be dropped; what is being delivered counts, so that a slow store does not let more come. */
  #keepWithin(): void {
    while (this.#waitingBytes + this.#underWayBytes > this.#maxBytes) {
      const largest = this.#largest();
      if (largest === null) return;
      // A quarter at once, so that it need not be done again for every line.
      const gone = largest.lines.splice(0, Math.ceil(largest.lines.length / 4));
      const sizeBytes = gone.reduce((sum, text) => sum + sizeOf(text), 0);
      largest.sizeBytes -= sizeBytes;
      this.#waitingBytes -= sizeBytes;
      this.#dropped += gone.length;
      if (largest.lines.length === 0) this.#waiting.delete(largest.slot);
    }
  }
}

function sizeOf(text: string): number {
  return Buffer.byteLength(text) + LINE_OVERHEAD_BYTES;
}
