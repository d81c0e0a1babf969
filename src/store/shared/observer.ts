/** What stores tell of the calls that they make to what is below them: Cassandra's statements, LMDB's commits, syncs of files. */
import type { StoreError } from '../errors.js';

export interface CallEnd {
  /** null: it went well */
  readonly error: StoreError | null;
  /** statements that were sent to a second node because the first was slow */
  readonly speculative?: number;
}

export type EndCall = (end: CallEnd) => void;

/** Why the driver sent a statement again. */
export type RetryReason = 'unavailable' | 'read-timeout' | 'write-timeout' | 'request-error';

export interface StoreObserver {
  /**
   * A call begins; what is returned is called once when it has ended. Must not throw.
   * @param call of a small, fixed set of names: 'select chunk', 'commit'
   */
  began(call: string): EndCall;
  retried(reason: RetryReason): void;
}

const NOTHING: EndCall = () => undefined;
export const NO_OBSERVER: StoreObserver = { began: () => NOTHING, retried: () => undefined };

/** Tells both. */
export function bothObservers(first: StoreObserver, second: StoreObserver): StoreObserver {
  return {
    began(call) {
      const endFirst = first.began(call);
      const endSecond = second.began(call);
      return (end) => {
        endFirst(end);
        endSecond(end);
      };
    },
    retried(reason) {
      first.retried(reason);
      second.retried(reason);
    },
  };
}
