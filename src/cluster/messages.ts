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

export type ToPrimary = Announce | Forgotten;
export type ToWorker = Forget | Announced;

/** Node's own messages pass through the same channel. */
export function isMessage(message: unknown): message is ToPrimary | ToWorker {
  const { kind } = (typeof message === 'object' && message !== null ? message : {}) as { kind?: unknown };
  return typeof kind === 'string' && kind.startsWith('pithos:');
}
