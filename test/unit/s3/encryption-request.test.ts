import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  checkPartMethod,
  refuseMethodHeaders,
  requestedBucketKey,
  requestedEncryption,
} from '../../../src/s3/encryption-request.js';

const SSE = 'x-amz-server-side-encryption';
const KMS_KEY = `${SSE}-aws-kms-key-id`;
const CONTEXT = `${SSE}-context`;
const CUSTOMER = `${SSE}-customer`;
const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
const s3Error = (code: string, message = ''): Error =>
  expect.objectContaining({ name: 'S3Error', code, message: expect.stringContaining(message) as string }) as Error;

describe('the encryption a write asks for', () => {
  it('is left to the bucket by a request that names none', () => {
    expect(requestedEncryption({ 'content-type': 'text/plain' })).toBeNull();
  });

  it('is SSE-S3', () => {
    expect(requestedEncryption({ [SSE]: 'AES256' })).toEqual({ kind: 'SSE-S3' });
  });

  it('is SSE-KMS with the default key or a named one, and a context', () => {
    const kms = { kind: 'SSE-KMS', keyId: null, context: {} };
    expect(requestedEncryption({ [SSE]: 'aws:kms' })).toEqual(kms);
    expect(requestedEncryption({ [SSE]: 'aws:kms', [KMS_KEY]: '' })).toEqual(kms);
    const context = { department: 'päy', empty: '' };
    expect(requestedEncryption({ [SSE]: 'aws:kms', [KMS_KEY]: 'alias/x', [CONTEXT]: base64(context) })).toEqual({
      ...kms,
      keyId: 'alias/x',
      context,
    });
  });

  it('is SSE-C', () => {
    const key = randomBytes(32);
    const md5 = createHash('md5').update(key).digest('base64');
    const asked = requestedEncryption({
      [`${CUSTOMER}-algorithm`]: 'AES256',
      [`${CUSTOMER}-key`]: key.toString('base64'),
      [`${CUSTOMER}-key-md5`]: md5,
    });
    expect(asked).toMatchObject({ kind: 'SSE-C', customerKey: { md5 } });
  });

  it.each([
    ['an unknown method', { [SSE]: 'aes:kms' }, 'InvalidArgument', 'not supported'],
    ['a method in lower case', { [SSE]: 'aes256' }, 'InvalidArgument', 'not supported'],
    ['an empty method', { [SSE]: '' }, 'InvalidArgument', 'not supported'],
    ['two layers', { [SSE]: 'aws:kms:dsse' }, 'NotImplemented', ''],
    ['a KMS key alone', { [KMS_KEY]: 'k' }, 'InvalidArgument', 'requires HTTP header'],
    ['a KMS key with AES256', { [SSE]: 'AES256', [KMS_KEY]: 'k' }, 'InvalidArgument', 'requires HTTP header'],
    ['a context alone', { [CONTEXT]: base64({}) }, 'InvalidArgument', 'requires HTTP header'],
    [
      'a customer algorithm beside AES256',
      { [SSE]: 'AES256', [`${CUSTOMER}-algorithm`]: 'AES256' },
      'InvalidArgument',
      'incompatible',
    ],
    [
      'a customer key beside KMS',
      { [SSE]: 'aws:kms', [`${CUSTOMER}-key`]: 'secret' },
      'InvalidArgument',
      'incompatible',
    ],
    ['a customer algorithm alone', { [`${CUSTOMER}-algorithm`]: 'AES256' }, 'InvalidArgument', 'secret key'],
  ])('is refused for %s', (_name, headers, code, message) => {
    expect(() => requestedEncryption(headers)).toThrow(s3Error(code, message));
  });

  it.each([
    ['no base64 of JSON', 'e30'.repeat(3)],
    ['a list', base64(['a'])],
    ['a text', base64('a')],
    ['null', base64(null)],
    ['a number among the values', base64({ a: 1 })],
    ['no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x22, 0x22, 0x7d]).toString('base64')],
    ['more than 8 KiB', base64({ a: 'x'.repeat(8192) })],
  ])('is refused for a context that is %s', (_name, context) => {
    expect(() => requestedEncryption({ [SSE]: 'aws:kms', [CONTEXT]: context })).toThrow(
      s3Error('InvalidArgument', 'string-string map'),
    );
  });
});

describe('the bucket key', () => {
  const name = `${SSE}-bucket-key-enabled`;

  it.each([
    [undefined, null],
    ['true', true],
    ['True', true],
    ['false', false],
  ])('is read from %s', (value, expected) => {
    expect(requestedBucketKey(value === undefined ? {} : { [name]: value })).toBe(expected);
  });

  it('is true or false', () => {
    expect(() => requestedBucketKey({ [name]: 'yes' })).toThrow(s3Error('InvalidArgument'));
  });
});

describe('requests that choose no encryption', () => {
  it('are refused with a method, when they read', () => {
    expect(() => refuseMethodHeaders({ [`${CUSTOMER}-algorithm`]: 'AES256' })).not.toThrow();
    for (const name of [SSE, KMS_KEY, CONTEXT])
      expect(() => refuseMethodHeaders({ [name]: 'x' })).toThrow(
        s3Error('InvalidArgument', `${name} header is not supported`),
      );
  });

  it('may repeat the method of their upload', () => {
    expect(() => checkPartMethod({}, null)).not.toThrow();
    expect(() => checkPartMethod({ [SSE]: 'AES256' }, 'SSE-S3')).not.toThrow();
    expect(() => checkPartMethod({ [SSE]: 'aws:kms', [KMS_KEY]: 'k' }, 'SSE-KMS')).not.toThrow();
    for (const [method, kind] of [
      ['AES256', null],
      ['AES256', 'SSE-KMS'],
      ['aws:kms', 'SSE-S3'],
      ['aws:kms', 'SSE-C'],
      ['x', 'SSE-KMS'],
    ] as const)
      expect(() => checkPartMethod({ [SSE]: method }, kind)).toThrow(s3Error('InvalidArgument', 'not supported'));
  });
});
