/**
 * The sequential specification of one key: absent, or there with a content. Operations are compiled to a test of the state and
 * the state that they leave, in small whole numbers.
 */
import type { Condition, Operation } from './history.js';

/** Nothing is there. */
export const ABSENT = 0;
/** Something is there that no read returned and no condition names: all such contents are alike. */
export const OPAQUE = 1;

export interface Step {
  readonly operation: Operation;
  readonly test: 'any' | 'is' | 'present' | 'differs';
  /** of 'is' and 'differs' */
  readonly value: number;
  /** null: the state stays, as with reads and refusals */
  readonly next: number | null;
}

/** Can the operation have happened, with its outcome, in that state? */
export function isLegal({ test, value }: Step, state: number): boolean {
  switch (test) {
    case 'any':
      return true;
    case 'is':
      return state === value;
    case 'present':
      return state !== ABSENT;
    case 'differs':
      return state !== ABSENT && state !== value;
  }
}

export interface CompiledHistory {
  /** Must have happened between call and return. */
  readonly required: readonly Step[];
  /** May have happened at any time after their calls. */
  readonly optional: readonly Step[];
  /** ETag of a state, null for absent; for messages. */
  nameOf(state: number): string | null;
}

/** Numbers for ETags: only those that an outcome or a condition names differ from each other. */
export function compile(operations: readonly Operation[]): CompiledHistory {
  const names: string[] = [];
  const numbers = new Map<string, number>();
  for (const etag of operations.flatMap(namedBy)) {
    if (numbers.has(etag)) continue;
    numbers.set(etag, OPAQUE + 1 + names.length);
    names.push(etag);
  }
  const numberOf = (etag: string): number => numbers.get(etag) ?? OPAQUE;
  const required: Step[] = [];
  const optional: Step[] = [];
  for (const operation of operations) {
    if (operation.outcome.kind !== 'unknown') required.push(stepOf(operation, numberOf));
    // A read that got no answer says nothing.
    else if (operation.action.kind !== 'read') optional.push(stepOf(operation, numberOf));
  }
  return {
    required,
    optional,
    nameOf: (state) => (state === ABSENT ? null : (names[state - OPAQUE - 1] ?? 'something that nobody read')),
  };
}

function namedBy({ action, outcome }: Operation): string[] {
  const etags: string[] = [];
  if (action.kind !== 'read' && action.condition.kind === 'etag') etags.push(action.condition.etag);
  if (outcome.kind === 'value' && outcome.etag !== null) etags.push(outcome.etag);
  return etags;
}

function stepOf(operation: Operation, numberOf: (etag: string) => number): Step {
  const { action, outcome } = operation;
  if (action.kind === 'read') {
    if (outcome.kind !== 'value') throw new TypeError(`a read cannot end as ${outcome.kind}`);
    return { operation, test: 'is', value: outcome.etag === null ? ABSENT : numberOf(outcome.etag), next: null };
  }
  const { condition } = action;
  if (outcome.kind === 'refused') return { operation, ...refusal(condition, outcome.status, numberOf), next: null };
  if (outcome.kind === 'value') throw new TypeError('a write cannot end with a value');
  const test = guard(condition, numberOf);
  if (action.kind === 'delete') return { operation, ...test, next: ABSENT };
  return { operation, ...test, next: numberOf(action.etag) };
}

type Test = Pick<Step, 'test' | 'value'>;

/** What must hold for the write to take effect. */
function guard(condition: Condition, numberOf: (etag: string) => number): Test {
  switch (condition.kind) {
    case 'none':
      return { test: 'any', value: ABSENT };
    case 'absent':
      return { test: 'is', value: ABSENT };
    case 'present':
      return { test: 'present', value: ABSENT };
    case 'etag':
      return { test: 'is', value: numberOf(condition.etag) };
  }
}

/** What must hold for the write to be refused with that status. */
function refusal(condition: Condition, status: 404 | 412, numberOf: (etag: string) => number): Test {
  const { kind } = condition;
  if (status === 404 && (kind === 'present' || kind === 'etag')) return { test: 'is', value: ABSENT };
  if (status === 412 && kind === 'absent') return { test: 'present', value: ABSENT };
  if (status === 412 && kind === 'etag') return { test: 'differs', value: numberOf(condition.etag) };
  throw new TypeError(`${status} is no answer to a write with condition ${kind}`);
}
