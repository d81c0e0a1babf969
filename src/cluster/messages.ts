/** What the primary process and its workers say to each other. */

/** What a worker remembers and another one may change: a bucket's record by name, all that is known of access keys. */
export type Topic = 'bucket' | 'iam';

/** A worker changed something; the others are to forget what they remember of it. */
export interface Announce {
  readonly kind: 'pithos:announce';
  /** unique to the worker that asks */
  readonly id: number;
  readonly topic: Topic;
  readonly subject: string;
}

/** Primary to a worker: forget, and say so. */
export interface Forget {
  readonly kind: 'pithos:forget';
  /** unique to the primary */
  readonly id: number;
  readonly topic: Topic;
  readonly subject: string;
}

export interface Forgotten {
  readonly kind: 'pithos:forgotten';
  readonly id: number;
}

/** Primary to the worker that announced: nobody remembers it any more. */
export interface Announced {
  readonly kind: 'pithos:announced';
  readonly id: number;
}

/** A worker wants to know what all workers answer to a question (census.ts). */
export interface Gather {
  readonly kind: 'pithos:gather';
  /** unique to the worker that asks */
  readonly id: number;
  readonly topic: string;
}

/** Primary to each worker. */
export interface Ask {
  readonly kind: 'pithos:ask';
  /** unique to the primary */
  readonly id: number;
  readonly topic: string;
}

export interface Told {
  readonly kind: 'pithos:told';
  readonly id: number;
  /** null: it cannot tell */
  readonly value: unknown;
}

/** Primary to the worker that wanted to know. */
export interface Gathered {
  readonly kind: 'pithos:gathered';
  readonly id: number;
  readonly values: readonly unknown[];
}

/** A part of a rate that all workers share; see src/limits. */
export interface Reservation {
  /** what the rate is of */
  readonly key: string;
  readonly perSecond: number;
  /** less is of no use */
  readonly min: number;
  /** more than min only where it is there at once */
  readonly want: number;
  /** Nothing is reserved that would have to be waited for longer than that. */
  readonly maxWaitMs: number;
}

export interface Reserved {
  /** 0: nothing */
  readonly granted: number;
  /** until it may be used; when nothing was granted: until it is worth trying again */
  readonly waitMs: number;
}

/** A worker wants a part of a rate. */
export interface ReserveMessage extends Reservation {
  readonly kind: 'pithos:reserve';
  /** unique to the worker that asks */
  readonly id: number;
}

/** Primary to that worker. */
export interface ReservedMessage extends Reserved {
  readonly kind: 'pithos:reserved';
  readonly id: number;
}

/** Primary to all workers: read the configuration again. */
export interface Reload {
  readonly kind: 'pithos:reload';
}

export type ToPrimary = Announce | Forgotten | ReserveMessage;
export type ToWorker = Forget | Announced | ReservedMessage | Reload;
export type CensusToPrimary = Gather | Told;
export type CensusToWorker = Ask | Gathered;

/** Node's own messages pass through the same channel. */
export function isMessage(message: unknown): message is ToPrimary | ToWorker | CensusToPrimary | CensusToWorker {
  const { kind } = (typeof message === 'object' && message !== null ? message : {}) as { kind?: unknown };
  return typeof kind === 'string' && kind.startsWith('pithos:');
}
