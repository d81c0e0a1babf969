// The linearizability checker of test/fault, on histories whose answer is known and against one that tries everything.
import { describe, expect, it } from 'vitest';
import { checkLinearizable } from '../../fault/linearizability/checker.js';
import type { Operation } from '../../fault/linearizability/history.js';
import { describeOperation, listingHistory, objectHistory } from '../../fault/linearizability/history.js';
import { Random } from '../../support/random.js';
import {
  ANY,
  bruteForce,
  DONE,
  EXISTING,
  history,
  ifMatch,
  isWitness,
  NEW,
  randomHistory,
  read,
  refused,
  remove,
  UNKNOWN,
  write,
} from './histories.js';

const verdict = (operations: readonly Operation[]) => checkLinearizable(operations).kind;

describe('accepts', () => {
  it.each<[string, Operation[]]>([
    ['nothing', history()],
    ['a read of a key that was never written', history(read(0, 1, null))],
    ['a read of what was written before', history(write(0, 1, 'a'), read(2, 3, 'a'))],
    [
      'either value while a write is under way',
      history(write(0, 1, 'a'), write(2, 9, 'b'), read(3, 4, 'a'), read(5, 6, 'b')),
    ],
    ['concurrent writes in the order of what was read', history(write(0, 9, 'a'), write(0, 9, 'b'), read(10, 11, 'a'))],
    ['a write of unknown outcome that happened', history(write(0, 1, 'a', UNKNOWN), read(5, 6, 'a'))],
    ['a write of unknown outcome that never happened', history(write(0, 1, 'a', UNKNOWN), read(5, 6, null))],
    [
      'a write of unknown outcome that happened late',
      history(write(0, 1, 'a', UNKNOWN), read(5, 6, null), read(7, 8, 'a')),
    ],
    [
      'a delete of unknown outcome that happened after a later write',
      history(remove(0, 1, UNKNOWN), write(2, 3, 'a'), read(4, 5, 'a'), read(6, 7, null)),
    ],
    [
      'one of two creations',
      history(write(0, 5, 'a', DONE, NEW), write(0, 5, 'b', refused(412), NEW), read(6, 7, 'a')),
    ],
    ['If-Match on what is there', history(write(0, 1, 'a'), write(2, 3, 'b', DONE, ifMatch('a')), read(4, 5, 'b'))],
    [
      'If-Match refused on what is not',
      history(write(0, 1, 'a'), remove(2, 3, refused(412), ifMatch('x')), read(4, 5, 'a')),
    ],
    ['If-Match on an absent key answered 404', history(write(0, 1, 'a', refused(404), ifMatch('x')))],
    [
      'a refusal explained by a write of unknown outcome that nobody read',
      history(write(0, 1, 'a'), write(2, 3, 'b', UNKNOWN), remove(4, 5, refused(412), ifMatch('a'))),
    ],
    [
      'a chain of writes of unknown outcome',
      history(
        write(0, 1, 'a'),
        remove(2, 3, UNKNOWN),
        write(4, 5, 'b', UNKNOWN, NEW),
        write(6, 7, 'c', UNKNOWN, ifMatch('b')),
        read(8, 9, 'c'),
      ),
    ],
    [
      'a completion whose repetition is acknowledged after others have replaced what it made',
      history(write(0, 9, 'a', DONE, NEW), read(2, 3, 'a'), remove(4, 5), write(6, 7, 'b'), read(10, 11, 'b')),
    ],
    ['the same instant as concurrent', history(write(0, 5, 'a'), read(5, 6, null), read(7, 8, 'a'))],
  ])('%s', (_, operations) => {
    const result = checkLinearizable(operations);
    expect(result.kind).toBe('linearizable');
    expect(bruteForce(operations)).toBe(true);
    if (result.kind === 'linearizable') expect(isWitness(operations, result.order)).toBe(true);
  });
});

describe('catches', () => {
  it.each<[string, Operation[]]>([
    ['a stale read', history(write(0, 1, 'a'), write(2, 3, 'b'), read(4, 5, 'a'))],
    ['a lost write', history(write(0, 1, 'a'), read(2, 3, null))],
    ['a read that goes back', history(write(0, 1, 'a'), write(2, 9, 'b'), read(3, 4, 'b'), read(5, 6, 'a'))],
    ['a value that nobody wrote', history(write(0, 1, 'a'), read(2, 3, 'b'))],
    ['a value before its write', history(read(0, 1, 'a'), write(2, 3, 'a'))],
    ['two creations', history(write(0, 5, 'a', DONE, NEW), write(0, 5, 'b', DONE, NEW))],
    [
      'a lost update',
      history(write(0, 1, 'a'), write(2, 5, 'b', DONE, ifMatch('a')), write(2, 5, 'c', DONE, ifMatch('a'))),
    ],
    ['a deleted key that is back', history(write(0, 1, 'a'), remove(2, 3), read(4, 5, 'a'))],
    ['a refusal without a reason', history(write(0, 1, 'a'), remove(2, 3, refused(412), ifMatch('a')))],
    ['a creation that was refused on an absent key', history(write(0, 1, 'a', refused(412), NEW))],
    [
      'a completion whose repetition brings back what others have replaced',
      history(write(0, 9, 'a'), read(2, 3, 'a'), write(4, 5, 'b'), read(6, 7, 'b'), read(10, 11, 'a')),
    ],
    ['If-Match: * on an absent key', history(remove(0, 1, DONE, EXISTING))],
    [
      'an unknown write that took effect twice',
      history(write(0, 1, 'a', UNKNOWN), read(2, 3, 'a'), remove(4, 5), read(6, 7, 'a')),
    ],
    ['an unknown write that took effect before it was called', history(read(0, 1, 'a'), write(2, 3, 'a', UNKNOWN))],
    [
      'a value that an acknowledged write had replaced',
      history(
        write(0, 1, 'a'),
        write(2, 3, 'b', DONE, ANY),
        write(4, 5, 'c', UNKNOWN),
        read(6, 7, 'c'),
        read(8, 9, 'b'),
      ),
    ],
  ])('%s', (_, operations) => {
    expect(verdict(operations)).toBe('violation');
    expect(bruteForce(operations)).toBe(false);
  });

  it('and says what cannot have happened next', () => {
    const operations = history(write(0, 1, 'a'), write(2, 3, 'b'), read(4, 5, 'a'));
    const result = checkLinearizable(operations);
    expect(result).toMatchObject({ kind: 'violation', stuck: [operations[2]] });
    expect(describeOperation(operations[2] as Operation)).toBe('#2 [0.0040 .. 0.0050] read -> a  (test)');
  });
});

describe('agrees with a checker that tries every order', () => {
  it.each([2, 3, 4, 5, 6, 7])('on random histories of %d operations', (count) => {
    const random = new Random(count);
    const kinds = { linearizable: 0, violation: 0, undecided: 0 };
    for (let round = 0; round < 3_000; round++) {
      const operations = randomHistory(random, count);
      const result = checkLinearizable(operations);
      kinds[result.kind] += 1;
      const lines = operations.map((operation) => describeOperation(operation)).join('\n');
      expect(result.kind === 'linearizable', lines).toBe(bruteForce(operations));
      if (result.kind === 'linearizable') expect(isWitness(operations, result.order), lines).toBe(true);
    }
    expect(kinds.undecided).toBe(0);
    expect(Math.min(kinds.linearizable, kinds.violation)).toBeGreaterThan(100);
  });
});

describe('on a long history of many clients', () => {
  it('decides quickly that it is right, and that it is not when one read is changed', () => {
    const operations = longHistory(new Random(7), { writers: 8, count: 2_000 });
    expect(verdict(operations)).toBe('linearizable');
    const reads = operations.filter(({ action }) => action.kind === 'read');
    const first = reads.find(({ outcome }) => outcome.kind === 'value' && outcome.etag !== null) as Operation;
    const late = reads.at(-1) as Operation;
    const planted = operations.map((operation) =>
      operation === late ? { ...late, outcome: first.outcome } : operation,
    );
    expect(verdict(planted)).toBe('violation');
  });

  it('gives up where it is told to', () => {
    const operations = longHistory(new Random(7), { writers: 8, count: 2_000 });
    expect(checkLinearizable(operations, { maxConfigurations: 100 }).kind).toBe('undecided');
  });
});

it('a listing may be behind GET for a change that is not acknowledged, but not for one that is', () => {
  const listed = (callMs: number, returnMs: number, etag: string | null): Operation => ({
    ...(history(read(callMs, returnMs, etag))[0] as Operation),
    listed: true,
  });
  const underWay = [...history(write(0, 10, 'a'), read(1, 2, 'a')), listed(3, 4, null), listed(11, 12, 'a')];
  expect(verdict(objectHistory(underWay))).toBe('linearizable');
  expect(verdict(listingHistory(underWay))).toBe('linearizable');
  const acknowledged = [...history(write(0, 2, 'a')), listed(3, 4, null)];
  expect(verdict(listingHistory(acknowledged))).toBe('violation');
  const back = [...history(write(0, 10, 'a')), listed(3, 4, 'a'), listed(5, 6, null)];
  expect(verdict(listingHistory(back))).toBe('violation');
});

/** What a correct store could have answered to clients that send one operation after another; a tenth of the answers are lost. */
function longHistory(
  random: Random,
  { writers, count }: { readonly writers: number; readonly count: number },
): Operation[] {
  const free = Array.from({ length: writers }, () => 0);
  let state: string | null = null;
  const operations: Operation[] = [];
  for (let id = 0, nowMs = 0; id < count; id++) {
    // Operations take effect one after another, each at some time within its interval.
    nowMs += 1 + random.next();
    const client = random.integer(0, writers);
    const callMs = Math.max(free[client] ?? 0, nowMs - random.next() * 8);
    nowMs = Math.max(nowMs, callMs);
    const returnMs = nowMs + random.next() * 8;
    free[client] = returnMs + 0.001;
    const lost = random.chance(0.1);
    const times = [callMs, returnMs] as const;
    const kind = random.integer(0, 4);
    const etag = `v${id}`;
    const entry =
      kind === 0
        ? write(...times, etag, lost ? UNKNOWN : DONE)
        : kind === 1
          ? remove(...times, lost ? UNKNOWN : DONE)
          : read(...times, state);
    if (kind <= 1 && (!lost || random.chance(0.5))) state = kind === 0 ? etag : null;
    operations.push({ ...(history(entry)[0] as Operation), id });
  }
  return operations;
}
