/**
 * What the driver may repeat by itself: reads and plain writes, which are all repeatable as this store uses them (idempotent:
 * explicit timestamps or the same values again), on another node, a bounded number of times. Conditional statements are never
 * repeated here: only the caller can tell whether the first one was applied.
 */
import { errors, policies } from 'cassandra-driver';
import type { types } from 'cassandra-driver';
import type { RetryReason } from '../shared/observer.js';

const MAX_RETRIES = 2;
/** The driver takes undefined for it; its types do not say so. */
const SAME_CONSISTENCY = undefined as unknown as types.consistencies;

type OperationInfo = Pick<policies.retry.OperationInfo, 'nbRetry' | 'executionOptions'>;
type DecisionInfo = policies.retry.DecisionInfo;

export class SafeRetryPolicy extends policies.retry.RetryPolicy {
  readonly #onRetry: (reason: RetryReason) => void;

  constructor(onRetry: (reason: RetryReason) => void = () => undefined) {
    super();
    this.#onRetry = onRetry;
  }

  override onUnavailable(info: OperationInfo): DecisionInfo {
    // Another coordinator may see the replicas that this one does not.
    return this.#again(info, 1, 'unavailable');
  }

  override onReadTimeout(info: OperationInfo): DecisionInfo {
    return this.#again(info, 1, 'read-timeout');
  }

  override onWriteTimeout(info: OperationInfo): DecisionInfo {
    return this.#again(info, 1, 'write-timeout');
  }

  override onRequestError(info: OperationInfo, _consistency: unknown, error: Error): DecisionInfo {
    // A coordinator that hangs costs the whole time-out: no third one is asked.
    return this.#again(info, error instanceof errors.OperationTimedOutError ? 1 : MAX_RETRIES, 'request-error');
  }

  #again(info: OperationInfo, limit: number, reason: RetryReason): DecisionInfo {
    const repeatable = info.executionOptions.isIdempotent();
    if (!repeatable || info.nbRetry >= limit) return this.rethrowResult();
    this.#onRetry(reason);
    return this.retryResult(SAME_CONSISTENCY, false);
  }
}
