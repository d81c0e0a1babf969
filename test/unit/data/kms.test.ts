import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { LocalKms } from '../../../src/data/kms-local.js';
import type { LocalKmsKey, LocalKmsOptions } from '../../../src/data/kms-local.js';
import type { KmsProvider } from '../../../src/data/kms.js';
import { KmsError } from '../../../src/data/kms.js';
import { newKmsDataKey, openKmsDataKey, requireKmsKey } from '../../../src/data/sse-kms.js';

const CORRUPT = expect.objectContaining({ name: 'StoreError', kind: 'corrupt' }) as Error;
const CONTEXT = { department: 'pay', 'aws:s3:arn': 'arn:aws:s3:::bucket/key' };
const signal = new AbortController().signal;

function kmsOf(keys: readonly LocalKmsKey[], more: Partial<LocalKmsOptions> = {}): LocalKms {
  return new LocalKms({ keys, defaultKeyId: null, masterKeys: [], regions: ['alps'], ...more });
}

function failing(failure: string): Error {
  return expect.objectContaining({ name: 'KmsError', failure }) as Error;
}

describe('LocalKms', () => {
  const one = randomBytes(32);
  const two = randomBytes(32);
  const kms = kmsOf([{ id: 'payroll', aliases: ['alias/pay'], versions: [one] }]);

  it('gives another data key each time and opens it again', async () => {
    const keys = [await kms.generateDataKey('payroll', CONTEXT), await kms.generateDataKey('payroll', CONTEXT)];
    expect(keys[0]?.plaintext).toHaveLength(32);
    expect(keys[0]?.plaintext).not.toEqual(keys[1]?.plaintext);
    for (const { keyId, plaintext, wrappedKey } of keys) {
      expect(keyId).toBe('payroll');
      expect(await kms.decrypt('payroll', wrappedKey, CONTEXT)).toEqual(plaintext);
    }
  });

  it('binds a data key to its context, in whatever order it is written', async () => {
    const { plaintext, wrappedKey } = await kms.generateDataKey('payroll', CONTEXT);
    const turned = { 'aws:s3:arn': CONTEXT['aws:s3:arn'], department: 'pay' };
    expect(await kms.decrypt('payroll', wrappedKey, turned)).toEqual(plaintext);
    for (const context of [{}, { ...CONTEXT, department: 'it' }, { ...CONTEXT, more: '' }])
      await expect(kms.decrypt('payroll', wrappedKey, context)).rejects.toThrow(CORRUPT);
  });

  it('refuses a wrapped key that was changed', async () => {
    const { wrappedKey } = await kms.generateDataKey('payroll', {});
    const [version, sealed = ''] = wrappedKey.split('.');
    const bytes = Buffer.from(sealed, 'base64');
    for (let i = 0; i < bytes.length; i += 7) {
      const tampered = Buffer.from(bytes);
      tampered[i] = (tampered[i] ?? 0) ^ 1;
      await expect(kms.decrypt('payroll', `${version}.${tampered.toString('base64')}`, {})).rejects.toThrow(CORRUPT);
    }
    for (const text of ['', sealed, 'x.y', '.'])
      await expect(kms.decrypt('payroll', text, {})).rejects.toThrow(CORRUPT);
  });

  it('refuses a data key of another key', async () => {
    const both = kmsOf([
      { id: 'a', versions: [one] },
      { id: 'b', versions: [one] },
    ]);
    const { wrappedKey } = await both.generateDataKey('a', {});
    await expect(both.decrypt('b', wrappedKey, {})).rejects.toThrow(failing('invalidState'));
  });

  it('knows a key by its id, its aliases and ARNs of its regions', async () => {
    for (const name of [
      'payroll',
      'alias/pay',
      'arn:aws:kms:alps:tenant@example.com:key/payroll',
      'arn:aws:kms:alps:123456789012:alias/pay',
    ])
      expect(await kms.describe(name)).toEqual({ id: 'payroll', enabled: true });
    for (const name of [
      'pay',
      'alias/payroll',
      'Payroll',
      '',
      'arn:aws:kms:plains:t:key/payroll',
      'arn:aws:kms:alps:t:key/pay',
    ])
      await expect(kms.describe(name)).rejects.toThrow(failing('notFound'));
  });

  it('has keys that are named by an ARN, and answers to its short form', async () => {
    const id = 'arn:aws:kms:far:t:key/remote';
    const named = kmsOf([{ id, versions: [one] }]);
    for (const name of [id, 'remote']) expect((await named.describe(name)).id).toBe(id);
  });

  it('opens with the versions before a rotation and wraps with the newest', async () => {
    const before = await kms.generateDataKey('payroll', CONTEXT);
    const rotated = kmsOf([{ id: 'payroll', versions: [two, one] }]);
    expect(await rotated.decrypt('payroll', before.wrappedKey, CONTEXT)).toEqual(before.plaintext);
    const after = await rotated.generateDataKey('payroll', CONTEXT);
    expect(after.wrappedKey.split('.')[0]).not.toBe(before.wrappedKey.split('.')[0]);
    await expect(kms.decrypt('payroll', after.wrappedKey, CONTEXT)).rejects.toThrow(failing('invalidState'));
  });

  it('neither wraps nor opens with a disabled key', async () => {
    const { wrappedKey } = await kms.generateDataKey('payroll', {});
    const disabled = kmsOf([{ id: 'payroll', enabled: false, versions: [one] }]);
    expect(await disabled.describe('payroll')).toEqual({ id: 'payroll', enabled: false });
    await expect(disabled.generateDataKey('payroll', {})).rejects.toThrow(failing('disabled'));
    await expect(disabled.decrypt('payroll', wrappedKey, {})).rejects.toThrow(failing('disabled'));
  });

  it('derives aws/s3 from the master keys, and turns it with them', async () => {
    expect(kms.defaultKeyId).toBeNull();
    const old = kmsOf([], { masterKeys: [one] });
    expect(old.defaultKeyId).toBe('aws/s3');
    expect((await old.describe('alias/aws/s3')).id).toBe('aws/s3');
    const { plaintext, wrappedKey } = await old.generateDataKey('aws/s3', {});
    expect(await kmsOf([], { masterKeys: [two, one] }).decrypt('aws/s3', wrappedKey, {})).toEqual(plaintext);
    await expect(kmsOf([], { masterKeys: [two] }).decrypt('aws/s3', wrappedKey, {})).rejects.toThrow(
      failing('invalidState'),
    );
  });

  it('takes a named key for the default one', () => {
    const key = { id: 'payroll', versions: [one] };
    expect(kmsOf([key], { defaultKeyId: 'payroll', masterKeys: [two] }).defaultKeyId).toBe('payroll');
    expect(() => kmsOf([key], { defaultKeyId: 'other' })).toThrow(/no KMS key 'other'/);
  });

  it('refuses keys it could not tell apart or use', () => {
    const key = { id: 'payroll', versions: [one] };
    expect(() => kmsOf([key, key])).toThrow(/two KMS keys 'payroll'/);
    expect(() => kmsOf([key, { id: 'arn:aws:kms:alps:t:key/payroll', versions: [two] }])).toThrow(/two KMS keys/);
    expect(() => kmsOf([{ id: 'k', versions: [randomBytes(16)] }])).toThrow(/16 bytes/);
    expect(() => kmsOf([{ id: 'k', versions: [] }])).toThrow(/no version/);
  });

  it('never shows a key when it is logged', async () => {
    const { wrappedKey } = await kms.generateDataKey('payroll', {});
    const shown = inspect(kms, { depth: 10, showHidden: true }) + JSON.stringify(kms) + wrappedKey;
    for (const encoding of ['hex', 'base64'] as const) expect(shown).not.toContain(one.toString(encoding));
    expect(shown).not.toMatch(/<Buffer|Uint8Array/);
  });
});

describe('SSE-KMS data keys', () => {
  const kms = kmsOf([
    { id: 'on', versions: [randomBytes(32)] },
    { id: 'off', enabled: false, versions: [randomBytes(32)] },
  ]);
  const request = { kms, context: CONTEXT, bucketKey: false, signal };

  it('open again by what is stored with the version', async () => {
    const { info, cipher } = await newKmsDataKey({ ...request, keyId: 'on' });
    expect(info).toMatchObject({ kind: 'SSE-KMS', keyId: 'on', context: CONTEXT });
    expect(info.bucketKey).toBeUndefined();
    const sealed = Buffer.concat(cipher.seal('inode', 0, [Buffer.from('content')], true));
    const opened = await openKmsDataKey(kms, JSON.parse(JSON.stringify(info)) as typeof info, signal);
    expect(opened.open('inode', 0, sealed, true).toString()).toBe('content');
    await expect(openKmsDataKey(kms, { ...info, context: {} }, signal)).rejects.toThrow(CORRUPT);
    expect(() => openKmsDataKey(kms, { ...info, kind: 'SSE-C' }, signal)).toThrow(TypeError);
    expect((await newKmsDataKey({ ...request, keyId: 'on', bucketKey: true })).info.bucketKey).toBe(true);
  });

  it('fail with the codes of S3', async () => {
    const code = (name: string): Error =>
      expect.objectContaining({ name: 'S3Error', code: name, status: 400 }) as Error;
    await expect(newKmsDataKey({ ...request, keyId: 'none' })).rejects.toThrow(code('KMS.NotFoundException'));
    await expect(newKmsDataKey({ ...request, keyId: 'off' })).rejects.toThrow(code('KMS.DisabledException'));
    await expect(requireKmsKey(kms, 'off', signal)).rejects.toThrow(code('KMS.DisabledException'));
    expect(await requireKmsKey(kms, 'arn:aws:kms:alps:t:key/on', signal)).toBe('on');
  });

  it('are asked for again later when the KMS does not answer, and hide its reasons', async () => {
    const away = async (): Promise<never> => {
      throw new KmsError('unavailable', 'connect ECONNREFUSED of kms.internal');
    };
    const far: KmsProvider = { defaultKeyId: null, describe: away, generateDataKey: away, decrypt: away };
    const refused = newKmsDataKey({ ...request, kms: far, keyId: 'on' });
    await expect(refused).rejects.toMatchObject({ code: 'ServiceUnavailable', headers: { 'retry-after': '1' } });
    await expect(refused).rejects.not.toThrow(/internal/);
  });
});
