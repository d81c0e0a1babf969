/** Short ways to write histories down, a checker that simply tries everything, and random small histories. */
import type { Action, Condition, Operation, Outcome } from '../../fault/linearizability/history.js';
import type { Random } from '../../support/random.js';

export const ANY: Condition = { kind: 'none' };
export const NEW: Condition = { kind: 'absent' };
export const EXISTING: Condition = { kind: 'present' };
export const DONE: Outcome = { kind: 'done' };
export const UNKNOWN: Outcome = { kind: 'unknown' };

export const ifMatch = (etag: string): Condition => ({ kind: 'etag', etag });
export const refused = (status: 404 | 412): Outcome => ({ kind: 'refused', status });
export const value = (etag: string | null): Outcome => ({ kind: 'value', etag });

type Entry = readonly [callMs: number, returnMs: number, action: Action, outcome: Outcome];

export const write = (
  callMs: number,
  returnMs: number,
  etag: string,
  outcome: Outcome = DONE,
  condition: Condition = ANY,
): Entry => [callMs, returnMs, { kind: 'write', etag, condition }, outcome];
export const remove = (
  callMs: number,
  returnMs: number,
  outcome: Outcome = DONE,
  condition: Condition = ANY,
): Entry => [callMs, returnMs, { kind: 'delete', condition }, outcome];
export const read = (callMs: number, returnMs: number, etag: string | null): Entry => [
  callMs,
  returnMs,
  { kind: 'read' },
  value(etag),
];

export function history(...entries: readonly Entry[]): Operation[] {
  return entries.map(([callMs, returnMs, action, outcome], id) => ({
    id,
    key: 'key',
    callMs,
    returnMs,
    action,
    outcome,
    note: 'test',
  }));
}

/** Every order that real time allows, on a state that is simply the ETag: too slow for more than a few operations. */
export function bruteForce(operations: readonly Operation[]): boolean {
  const explore = (left: readonly Operation[], state: string | null): boolean => {
    const required = left.filter(({ outcome }) => outcome.kind !== 'unknown');
    if (required.length === 0) return true;
    return left.some((operation) => {
      if (required.some((other) => other !== operation && other.returnMs < operation.callMs)) return false;
      const after = replay(operation, state);
      return (
        after !== undefined &&
        explore(
          left.filter((other) => other !== operation),
          after,
        )
      );
    });
  };
  return explore(operations, null);
}

/** Whether the order is one of these operations, respects real time and the model, and leaves out none that must be in it. */
export function isWitness(operations: readonly Operation[], order: readonly Operation[]): boolean {
  const all = new Set(operations);
  if (new Set(order).size !== order.length || order.some((operation) => !all.has(operation))) return false;
  if (operations.some((operation) => operation.outcome.kind !== 'unknown' && !order.includes(operation))) return false;
  let state: string | null = null;
  for (const [index, operation] of order.entries()) {
    const tooLate = order.slice(index + 1).some((later) => returnOf(later) < operation.callMs);
    const after = replay(operation, state);
    if (tooLate || after === undefined) return false;
    state = after;
  }
  return true;
}

function returnOf({ outcome, returnMs }: Operation): number {
  return outcome.kind === 'unknown' ? Infinity : returnMs;
}

/** The state after it; undefined: it cannot happen in that state. */
function replay({ action, outcome }: Operation, state: string | null): string | null | undefined {
  if (action.kind === 'read') return outcome.kind !== 'value' || outcome.etag === state ? state : undefined;
  const { condition } = action;
  const failure =
    condition.kind === 'absent' && state !== null
      ? 412
      : condition.kind === 'present' && state === null
        ? 404
        : condition.kind === 'etag' && state !== condition.etag
          ? state === null
            ? 404
            : 412
          : null;
  if (outcome.kind === 'refused') return outcome.status === failure ? state : undefined;
  if (failure !== null) return undefined;
  return action.kind === 'write' ? action.etag : null;
}

/** A few operations at random times, with random outcomes: as often impossible as not. */
export function randomHistory(random: Random, count: number): Operation[] {
  const written: string[] = [];
  const entries = Array.from({ length: count }, (_, index): Entry => {
    const callMs = random.integer(0, 12);
    const times = [callMs, callMs + random.integer(0, 6)] as const;
    const etag = (): string => (written.length === 0 || random.chance(0.1) ? 'never' : random.pick(written));
    if (random.chance(0.4)) return read(...times, random.chance(0.25) ? null : etag());
    const condition = random.pick([ANY, ANY, NEW, EXISTING, ifMatch(etag()), ifMatch(etag())]);
    const statuses: Outcome[] = [
      ...(condition.kind === 'present' || condition.kind === 'etag' ? [refused(404)] : []),
      ...(condition.kind === 'absent' || condition.kind === 'etag' ? [refused(412)] : []),
    ];
    const outcome = random.pick([DONE, DONE, UNKNOWN, ...statuses]);
    if (random.chance(0.3)) return remove(...times, outcome, condition);
    written.push(`v${index}`);
    return write(...times, `v${index}`, outcome, condition);
  });
  return history(...entries);
}
