/** Who pays, and who is refused for not saying so. */
import { expect, it } from 'vitest';
import type { Identity } from '../../../src/s3/context.js';
import { ANONYMOUS } from '../../../src/s3/context.js';
import { chargedHeaders, payerDocument, payerOf, requirePayer } from '../../../src/s3/requester-pays.js';

const owner = { id: 'owner', displayName: 'owner' };
const free = { owner, documents: {} };
const paid = { owner, documents: payerDocument('Requester') };
const says = { 'x-amz-request-payer': 'requester' };

const caller = (tenant: string, master = false): Identity =>
  ({ kind: 'signed', tenant, displayName: tenant, memberOf: [], master }) as unknown as Identity;

it('reads the payer of a bucket', () => {
  expect([payerOf(free), payerOf(paid)]).toEqual(['BucketOwner', 'Requester']);
  expect(payerOf({ documents: payerDocument('BucketOwner') })).toBe('BucketOwner');
});

it('asks strangers alone, and never lets in who is nobody', () => {
  for (const identity of [caller('owner'), caller('other', true)]) {
    expect(() => requirePayer(identity, {}, paid)).not.toThrow();
    expect(chargedHeaders(identity, paid)).toEqual({});
  }
  const denied = expect.objectContaining({ code: 'AccessDenied' }) as Error;
  const other = caller('other');
  expect(() => requirePayer(other, {}, paid)).toThrow(denied);
  expect(() => requirePayer(other, { 'x-amz-request-payer': 'owner' }, paid)).toThrow(denied);
  expect(() => requirePayer(other, says, paid)).not.toThrow();
  expect(chargedHeaders(other, paid)).toEqual({ 'x-amz-request-charged': 'requester' });
  expect(() => requirePayer(ANONYMOUS, says, paid)).toThrow(denied);
  for (const identity of [other, ANONYMOUS]) {
    expect(() => requirePayer(identity, {}, free)).not.toThrow();
    expect(chargedHeaders(identity, free)).toEqual({});
  }
});
