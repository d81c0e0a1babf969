// The condition operators, their qualifiers, and keys that a request does not have.
import { describe, expect, it } from 'vitest';
import { decide, request, statement } from './policy-support.js';

type Values = Readonly<Record<string, string | readonly string[]>>;

function holds(Condition: unknown, keys: Values): boolean {
  return decide(statement({ Condition }), request({ keys })) === 'allow';
}

describe('operators', () => {
  it.each<[string, unknown, string, boolean]>([
    ['StringEquals', 'a', 'a', true],
    ['StringEquals', 'a', 'A', false],
    ['StringEquals', ['a', 'b'], 'b', true],
    ['StringEquals', 'a*', 'abc', false],
    ['StringEquals', 'a*', 'a*', true],
    ['StringNotEquals', 'a', 'b', true],
    ['StringNotEquals', ['a', 'b'], 'b', false],
    ['StringEqualsIgnoreCase', 'aB', 'Ab', true],
    ['StringNotEqualsIgnoreCase', 'aB', 'Ab', false],
    ['StringLike', 'http://*.example.com/*', 'http://www.example.com/x', true],
    ['StringLike', 'home/?', 'home/ab', false],
    ['StringNotLike', ['a*', 'b*'], 'cc', true],
    ['StringNotLike', ['a*', 'b*'], 'bb', false],
    ['NumericEquals', '10', '10.0', true],
    ['NumericEquals', 10, '10', true],
    ['NumericNotEquals', '10', '11', true],
    ['NumericLessThan', '10', '9', true],
    ['NumericLessThan', '10', '10', false],
    ['NumericLessThanEquals', '10', '10', true],
    ['NumericGreaterThan', '10', '9', false],
    ['NumericGreaterThanEquals', '10', '1e1', true],
    ['NumericLessThanEquals', '10', 'ten', false],
    ['DateEquals', '2024-02-29T12:00:00Z', '2024-02-29T13:00:00+01:00', true],
    ['DateNotEquals', '2024-02-29', '2024-02-28', true],
    ['DateLessThan', '2024-03-01', '2024-02-29T23:59:59Z', true],
    ['DateGreaterThan', '2024-03-01T00:00:00Z', '2024-02-29T23:59:59Z', false],
    ['DateGreaterThanEquals', '1709251200', '2024-03-01T00:00:00Z', true],
    ['DateLessThanEquals', '2024-03-01T00:00:00', '1709251200', true],
    ['Bool', 'true', 'true', true],
    ['Bool', true, 'TRUE', true],
    ['Bool', 'false', 'true', false],
    ['BinaryEquals', 'QUJD', 'QUJD', true],
    ['BinaryEquals', 'QUI=', 'QUI', true],
    ['BinaryEquals', 'QUJD', 'QUJE', false],
    ['IpAddress', '192.0.2.0/24', '192.0.2.77', true],
    ['IpAddress', '192.0.2.0/24', '192.0.3.77', false],
    ['IpAddress', ['10.0.0.0/8', '192.0.2.1'], '192.0.2.1', true],
    ['IpAddress', '192.0.2.0/24', '::ffff:192.0.2.77', true],
    ['IpAddress', '2001:db8::/32', '2001:db8:1::1', true],
    ['IpAddress', '2001:db8::/32', '192.0.2.1', false],
    ['IpAddress', '0.0.0.0/0', 'not an address', false],
    ['NotIpAddress', '192.0.2.0/24', '192.0.2.77', false],
    ['NotIpAddress', '192.0.2.0/24', '198.51.100.1', true],
    ['ArnEquals', 'arn:aws:iam::alice:user/*', 'arn:aws:iam::alice:user/anna', true],
    ['ArnLike', 'arn:aws:iam::*:root', 'arn:aws:iam::alice:root', true],
    ['ArnLike', 'arn:aws:*:x::alice:root', 'arn:aws:iam::alice:root', false],
    ['ArnNotEquals', 'arn:aws:iam::alice:root', 'arn:aws:iam::bob:root', true],
    ['ArnNotLike', 'arn:aws:iam::*:root', 'arn:aws:iam::bob:root', false],
  ])('%s %j of %s is %s', (operator, wanted, actual, result) => {
    expect(holds({ [operator]: { 'x:key': wanted } }, { 'x:key': actual })).toBe(result);
  });

  it('all of them have to hold', () => {
    const both = { StringEquals: { 'x:a': '1', 'x:b': '2' }, StringLike: { 'x:c': '3*' } };
    expect(holds(both, { 'x:a': '1', 'x:b': '2', 'x:c': '34' })).toBe(true);
    expect(holds(both, { 'x:a': '1', 'x:b': '1', 'x:c': '34' })).toBe(false);
    expect(holds(both, { 'x:a': '1', 'x:b': '2', 'x:c': '4' })).toBe(false);
  });

  it('names of keys are not case-sensitive', () => {
    expect(holds({ StringEquals: { 'AWS:USERNAME': 'anna' } }, { 'aws:username': 'anna' })).toBe(true);
  });

  it('values may hold variables', () => {
    const condition = { StringLike: { 's3:prefix': 'home/${aws:username}/*' } };
    expect(holds(condition, { 's3:prefix': 'home/anna/x', 'aws:username': 'anna' })).toBe(true);
    expect(holds(condition, { 's3:prefix': 'home/ben/x', 'aws:username': 'anna' })).toBe(false);
    expect(holds(condition, { 's3:prefix': 'home/ben/x', 'aws:username': '*' })).toBe(false);
    expect(holds(condition, { 's3:prefix': 'home/anna/x' })).toBe(false);
    const compared = { NumericLessThan: { 's3:max-keys': "${x:limit, '10'}" } };
    expect(holds(compared, { 's3:max-keys': '9' })).toBe(true);
    expect(holds(compared, { 's3:max-keys': '9', 'x:limit': '5' })).toBe(false);
  });
});

describe('a key that the request does not have', () => {
  it.each([
    ['StringEquals', 'a', false],
    ['StringLike', '*', false],
    ['StringNotEquals', 'a', true],
    ['StringNotLike', '*', true],
    ['NotIpAddress', '0.0.0.0/0', true],
    ['ArnNotLike', 'arn:aws:iam::*:root', true],
    ['Bool', 'false', false],
    ['NumericLessThan', '1', false],
    ['StringEqualsIfExists', 'a', true],
    ['StringNotEqualsIfExists', 'a', true],
    ['BoolIfExists', 'false', true],
    ['ForAnyValue:StringEquals', 'a', false],
    ['ForAnyValue:StringNotEquals', 'a', false],
    ['ForAllValues:StringEquals', 'a', true],
    ['ForAllValues:StringNotEquals', 'a', true],
    ['ForAnyValue:StringEqualsIfExists', 'a', true],
    ['Null', 'true', true],
    ['Null', 'false', false],
    ['Null', false, false],
  ])('%s %j holds: %s', (operator, wanted, result) => {
    expect(holds({ [operator]: { 'x:key': wanted } }, {})).toBe(result);
    // No values are no key.
    expect(holds({ [operator]: { 'x:key': wanted } }, { 'x:key': [] })).toBe(result);
  });

  it('IfExists asks about keys that are there', () => {
    const condition = { StringLikeIfExists: { 'aws:Referer': 'http://www.example.com/*' } };
    expect(holds(condition, { 'aws:referer': 'http://www.example.com/a' })).toBe(true);
    expect(holds(condition, { 'aws:referer': 'http://elsewhere.example/' })).toBe(false);
  });

  it('Null asks about nothing else', () => {
    expect(holds({ Null: { 'x:key': 'true' } }, { 'x:key': 'a' })).toBe(false);
    expect(holds({ Null: { 'x:key': 'false' } }, { 'x:key': 'a' })).toBe(true);
    expect(holds({ Null: { 'x:key': ['true', 'false'] } }, { 'x:key': 'a' })).toBe(true);
  });
});

describe('several values in the request', () => {
  it.each([
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b'], true],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'c'], false],
    ['ForAllValues:StringNotEquals', ['a', 'b'], ['c', 'd'], true],
    ['ForAllValues:StringNotEquals', ['a', 'b'], ['c', 'a'], false],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['c', 'b'], true],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['c', 'd'], false],
    ['ForAnyValue:StringNotEquals', ['a'], ['a', 'b'], true],
    ['ForAnyValue:StringNotEquals', ['a'], ['a', 'a'], false],
    ['ForAllValues:StringLike', ['a*'], ['ab', 'ac'], true],
    ['StringEquals', ['a'], ['b', 'a'], true],
    ['StringNotEquals', ['a'], ['b', 'a'], false],
  ])('%s %j of %j is %s', (operator, wanted, actual, result) => {
    expect(holds({ [operator]: { 'x:keys': wanted } }, { 'x:keys': actual })).toBe(result);
  });
});
