// The checker of quorum buckets' histories: what one writer at a time may and may not see happen to its key.
import { describe, expect, it } from 'vitest';
import { checkRegular } from '../../fault/linearizability/register.js';
import type { Operation } from '../../fault/linearizability/history.js';
import { checkAll } from '../../fault/linearizability/verdicts.js';
import { history, NEW, read, remove, UNKNOWN, write, DONE } from './histories.js';

describe('accepts', () => {
  it.each<[string, Operation[]]>([
    ['nothing', history()],
    ['a read of a key that was never written', history(read(0, 1, null))],
    ['the last write', history(write(0, 1, 'a'), write(2, 3, 'b'), read(4, 5, 'b'))],
    ['the last deletion', history(write(0, 1, 'a'), remove(2, 3), read(4, 5, null))],
    [
      'the old and the new value by turns while a write is under way',
      history(write(0, 1, 'a'), write(2, 9, 'b'), read(3, 4, 'b'), read(5, 6, 'a'), read(7, 8, 'b'), read(10, 11, 'b')),
    ],
    [
      'a write that was acknowledged after the read began',
      history(write(0, 1, 'a'), read(2, 6, 'a'), write(3, 4, 'b'), read(5, 6, 'b')),
    ],
    [
      'the first write before it is acknowledged, and nothing after that',
      history(write(0, 9, 'a'), read(1, 2, 'a'), read(3, 4, null)),
    ],
    [
      'a write of unknown outcome, at any time after its call, and not',
      history(
        write(0, 1, 'a'),
        write(2, 3, 'b', UNKNOWN),
        read(4, 5, 'a'),
        read(6, 7, 'b'),
        write(8, 9, 'c'),
        read(10, 11, 'c'),
        read(12, 13, 'b'),
      ),
    ],
    [
      'a deletion of unknown outcome',
      history(write(0, 1, 'a'), remove(2, 3, UNKNOWN), read(4, 5, 'a'), read(6, 7, null)),
    ],
  ])('%s', (_what, operations) => {
    expect(checkRegular(operations).kind).toBe('regular');
  });
});

describe('finds', () => {
  it.each<[string, Operation[], RegExp]>([
    ['an acknowledged write that is lost', history(write(0, 1, 'a'), read(2, 3, null)), /nothing .*taken the place/],
    [
      'an acknowledged write undone by an older one',
      history(write(0, 1, 'a'), write(2, 3, 'b'), read(4, 5, 'a')),
      /a content .*taken the place/,
    ],
    [
      'an object that comes back after its deletion',
      history(write(0, 1, 'a'), remove(2, 3), read(4, 5, 'a')),
      /a content .*taken the place/,
    ],
    [
      'an object that comes back behind a deletion of unknown outcome',
      history(write(0, 1, 'a'), remove(2, 3, UNKNOWN), write(4, 5, 'b'), read(6, 7, 'a')),
      /a content .*taken the place/,
    ],
    ['a content out of nowhere', history(write(0, 1, 'a'), read(2, 3, 'x')), /nobody had begun/],
    ['a content of the future', history(write(0, 1, 'a'), read(2, 3, 'b'), write(4, 5, 'b')), /nobody had begun/],
    ['a content before anything was written', history(read(0, 1, 'a'), write(2, 3, 'a')), /nobody had begun/],
  ])('%s', (_what, operations, reason) => {
    const verdict = checkRegular(operations);
    expect(verdict.kind).toBe('violation');
    if (verdict.kind === 'violation') expect(verdict.reason).toMatch(reason);
  });

  it('in listings what GET does not show', () => {
    const [put, gone, listed, seen] = history(write(0, 1, 'a'), remove(2, 3), read(4, 5, 'a'), read(4, 5, null));
    if (put === undefined || gone === undefined || listed === undefined || seen === undefined) throw new Error('four');
    const { findings } = checkAll([put, gone, { ...listed, listed: true }, seen], { mode: 'quorum' });
    expect(findings.map(({ view, kind }) => `${kind} ${view}`)).toEqual(['violation listing']);
  });
});

it('refuses histories that are not those of one writer', () => {
  expect(() => checkRegular(history(write(0, 5, 'a'), write(3, 8, 'b')))).toThrow(/at the same time/);
  expect(() => checkRegular(history(write(0, 5, 'a', DONE, NEW)))).toThrow(/unconditional/);
});
