/** What happened to keys, as the clients saw it: operations with the interval in which each must have taken effect, if it did. */

/** What a write makes its effect depend on. */
export type Condition =
  | { readonly kind: 'none' }
  /** If-None-Match: * */
  | { readonly kind: 'absent' }
  /** If-Match: * */
  | { readonly kind: 'present' }
  /** If-Match: "etag" */
  | { readonly kind: 'etag'; readonly etag: string };

export type Action =
  /**
   * PUT, COPY, CompleteMultipartUpload: the key has this content afterwards. No two writes have the same ETag: a completion is one
   * operation however often it is asked for.
   */
  | { readonly kind: 'write'; readonly etag: string; readonly condition: Condition }
  | { readonly kind: 'delete'; readonly condition: Condition }
  /** GET, HEAD, or what a LIST said of the key */
  | { readonly kind: 'read' };

export type Outcome =
  /** acknowledged */
  | { readonly kind: 'done' }
  /** A condition did not hold: 404 says that there was nothing, 412 that there was something else. */
  | { readonly kind: 'refused'; readonly status: 404 | 412 }
  /** null: the key was absent */
  | { readonly kind: 'value'; readonly etag: string | null }
  /** Nobody knows: it takes effect at any time after the call, or never. */
  | { readonly kind: 'unknown' };

export interface Operation {
  readonly id: number;
  readonly key: string;
  readonly action: Action;
  readonly outcome: Outcome;
  /** By one monotonic clock, before the request was sent. */
  readonly callMs: number;
  /** After the answer had come in whole, or was given up. */
  readonly returnMs: number;
  /** For humans: request, gateway, status. */
  readonly note: string;
  /** It was one row of a listing. */
  readonly listed?: true;
}

export function byKey(operations: readonly Operation[]): Map<string, Operation[]> {
  const keys = new Map<string, Operation[]>();
  for (const operation of operations) {
    const of = keys.get(operation.key);
    if (of === undefined) keys.set(operation.key, [operation]);
    else of.push(operation);
  }
  return keys;
}

/** The key as GET, HEAD and conditions show it. */
export function objectHistory(operations: readonly Operation[]): Operation[] {
  return operations.filter(({ listed }) => listed !== true);
}

/**
 * The key as listings show it: what was acknowledged must show in every listing that begins afterwards, and what showed must not
 * go away again. A listing may be behind GET for a change that is not acknowledged yet; so other reads, and refusals, which are
 * reads too, are left out.
 */
export function listingHistory(operations: readonly Operation[]): Operation[] {
  return operations.filter(
    ({ listed, action, outcome }) => listed === true || (action.kind !== 'read' && outcome.kind !== 'refused'),
  );
}

/** One line of an operation, times in seconds since `fromMs`. */
export function describeOperation(operation: Operation, fromMs = 0): string {
  const { id, action, outcome, callMs, returnMs, note } = operation;
  const at = (ms: number): string => ((ms - fromMs) / 1000).toFixed(4);
  const wanted = action.kind === 'read' ? 'read' : `${describeWrite(action)}${describeCondition(action.condition)}`;
  return `#${id} [${at(callMs)} .. ${at(returnMs)}] ${wanted} -> ${describeOutcome(outcome)}  (${note})`;
}

function describeWrite(action: Exclude<Action, { readonly kind: 'read' }>): string {
  return action.kind === 'write' ? `write ${short(action.etag)}` : 'delete';
}

function describeCondition(condition: Condition): string {
  switch (condition.kind) {
    case 'none':
      return '';
    case 'etag':
      return ` if ${short(condition.etag)}`;
    default:
      return ` if ${condition.kind}`;
  }
}

function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'value':
      return outcome.etag === null ? 'absent' : short(outcome.etag);
    case 'refused':
      return `refused ${outcome.status}`;
    default:
      return outcome.kind;
  }
}

function short(etag: string): string {
  return etag.slice(0, 8);
}
