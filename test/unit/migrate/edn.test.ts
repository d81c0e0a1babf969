import { describe, expect, it } from 'vitest';
import { EdnError, isKeyword, isMap, parseEdn } from '../../../src/migrate/edn.js';
import type { Edn } from '../../../src/migrate/edn.js';

/** Maps as plain objects, keywords with their colon. */
function plain(value: Edn): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Edn[]).map(plain);
  if (isKeyword(value)) return `:${value.keyword}`;
  if (isMap(value)) return Object.fromEntries([...value.entries].map(([name, one]) => [name, plain(one)]));
  throw new TypeError('not a value');
}

describe('parseEdn', () => {
  it.each<[string, unknown]>([
    ['nil', null],
    [' true ', true],
    ['false', false],
    ['-12', -12],
    ['1.5', 1.5],
    [':get', ':get'],
    [':a/b-c?', ':a/b-c?'],
    ['""', ''],
    [String.raw`"a \"b\" \\ \n\t\r\b\f é 🎉"`, 'a "b" \\ \n\t\r\b\f é 🎉'],
    [String.raw`"\u00e9\101"`, 'éA'],
    ['[1, 2 ,3]', [1, 2, 3]],
    ['(1 (2) #{3})', [1, [2], [3]]],
    ['[]', []],
    ['{}', {}],
    ['{:a 1, :b [{:c "d"}], "e" nil}', { a: 1, b: [{ c: 'd' }], e: null }],
    ['; a comment\n[1 ; another\n 2]', [1, 2]],
  ])('%s', (text, expected) => {
    expect(plain(parseEdn(text))).toEqual(expected);
  });

  it.each([
    '',
    '   ',
    '[1',
    '[1}',
    '{:a}',
    '{[1] 2}',
    '"open',
    String.raw`"\q"`,
    '1 2',
    '#inst "2014-01-01"',
    '#=(println 1)',
    'symbol',
    '::double',
    '['.repeat(10_000),
  ])('refuses %j', (text) => {
    expect(() => parseEdn(text)).toThrow(EdnError);
  });

  it('keeps names apart from what objects inherit', () => {
    expect(plain(parseEdn('{:toString 1, :constructor 2}'))).toEqual({ toString: 1, constructor: 2 });
  });
});
