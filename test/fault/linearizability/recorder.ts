/** Collects what the clients saw: operations, answers that should not exist, acknowledged objects that must never go. */
import type { Action, Operation, Outcome } from './history.js';

export interface Sample {
  readonly what: string;
  readonly outcome: Outcome['kind'];
  readonly ms: number;
}

export interface NewOperation {
  readonly key: string;
  readonly action: Action;
  readonly outcome: Outcome;
  readonly callMs: number;
  readonly returnMs: number;
  readonly note: string;
  readonly listed?: true;
}

/** Kept for the report; there should be none. */
const MAX_ANOMALIES = 100;

export class Recorder {
  readonly operations: Operation[] = [];
  readonly samples: Sample[] = [];
  readonly anomalies: string[] = [];
  /** Sizes of contents by ETag. */
  readonly sizes = new Map<string, number>();
  /** Objects that are written once, acknowledged, and never touched again: key -> ETag. */
  readonly archived = new Map<string, string>();
  /** Key -> what was seen there last, null: nothing. For conditions that have a chance to hold. */
  readonly seen = new Map<string, string | null>();
  /** Operations in hand over to the server that certainly did nothing: refused connections, 409. */
  dropped = 0;

  record(operation: NewOperation): void {
    this.operations.push({ id: this.operations.length, ...operation });
    const { outcome, action, key, listed } = operation;
    if (listed === true) return;
    if (outcome.kind === 'value') this.seen.set(key, outcome.etag);
    else if (outcome.kind === 'done') this.seen.set(key, action.kind === 'write' ? action.etag : null);
  }

  sample(sample: Sample): void {
    this.samples.push(sample);
  }

  /** An answer that no history could explain. */
  anomaly(text: string): void {
    if (this.anomalies.length < MAX_ANOMALIES) this.anomalies.push(text);
  }
}
