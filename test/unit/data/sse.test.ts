import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  COPY_SOURCE_CUSTOMER_KEY,
  CUSTOMER_KEY,
  customerKeyMd5,
  customerKeyOf,
  newCustomerDataKey,
  openCustomerDataKey,
  sseCustomerDataKey,
} from '../../../src/data/sse-customer.js';
import { INLINE_SCOPE, KeyRing, createDataCipher, unwrapDataKey, wrapDataKey } from '../../../src/data/sse.js';
import { S3Error } from '../../../src/s3/errors.js';
import { StoreError } from '../../../src/store/errors.js';

const CORRUPT = expect.objectContaining({ name: 'StoreError', kind: 'corrupt' }) as Error;
const CHUNK = Buffer.from('a chunk of plaintext');

function sealed(cipher = createDataCipher(Buffer.alloc(32, 1)), index = 3, last = false): Buffer {
  return Buffer.concat(cipher.seal('inode-a', index, [CHUNK.subarray(0, 5), CHUNK.subarray(5)], last));
}

describe('data cipher', () => {
  const cipher = createDataCipher(Buffer.alloc(32, 1));

  it('opens what it sealed, 16 bytes longer', () => {
    const bytes = sealed();
    expect(bytes.length).toBe(CHUNK.length + cipher.overheadBytes);
    expect(bytes.includes(CHUNK)).toBe(false);
    expect(cipher.open('inode-a', 3, bytes, false)).toEqual(CHUNK);
    expect(createDataCipher(Buffer.alloc(32, 1)).open('inode-a', 3, bytes, false)).toEqual(CHUNK);
  });

  it('seals nothing to its tag', () => {
    const bytes = Buffer.concat(cipher.seal(INLINE_SCOPE, 0, [], true));
    expect(bytes.length).toBe(16);
    expect(cipher.open(INLINE_SCOPE, 0, bytes, true).length).toBe(0);
  });

  it('changes between scopes and back', () => {
    const a = cipher.seal('a', 0, [CHUNK], true);
    const b = cipher.seal('b', 0, [CHUNK], true);
    expect(Buffer.concat(a)).not.toEqual(Buffer.concat(b));
    expect(cipher.open('a', 0, Buffer.concat(a), true)).toEqual(CHUNK);
    expect(cipher.open('b', 0, Buffer.concat(b), true)).toEqual(CHUNK);
  });

  it('finds every flipped bit', () => {
    const bytes = sealed();
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const tampered = Buffer.from(bytes);
      tampered[bit >> 3] = (tampered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => cipher.open('inode-a', 3, tampered, false)).toThrow(CORRUPT);
    }
  });

  it('finds a chunk that is cut, extended or not there', () => {
    const bytes = sealed();
    for (let size = 0; size < bytes.length; size += 1) {
      expect(() => cipher.open('inode-a', 3, bytes.subarray(0, size), false)).toThrow(CORRUPT);
    }
    expect(() => cipher.open('inode-a', 3, Buffer.concat([bytes, Buffer.alloc(1)]), false)).toThrow(CORRUPT);
  });

  it('finds a chunk in another place, of another inode, or taken for the last one', () => {
    const bytes = sealed();
    expect(() => cipher.open('inode-a', 4, bytes, false)).toThrow(CORRUPT);
    expect(() => cipher.open('inode-b', 3, bytes, false)).toThrow(CORRUPT);
    expect(() => cipher.open('inode-a', 3, bytes, true)).toThrow(CORRUPT);
    expect(() => cipher.open('inode-a', 3, sealed(cipher, 3, true), false)).toThrow(CORRUPT);
    expect(() => createDataCipher(Buffer.alloc(32, 2)).open('inode-a', 3, bytes, false)).toThrow(CORRUPT);
  });

  it('has a nonce for every index a 5 TiB object can have', () => {
    const far = 5 * 2 ** 40;
    const bytes = Buffer.concat(cipher.seal('inode-a', far, [CHUNK], false));
    expect(cipher.open('inode-a', far, bytes, false)).toEqual(CHUNK);
    expect(() => cipher.open('inode-a', far - 2 ** 32, bytes, false)).toThrow(CORRUPT);
    expect(() => cipher.open('inode-a', far + 1, bytes, false)).toThrow(CORRUPT);
  });

  it('tags content without telling its MD5', () => {
    const md5 = createHash('md5').update('content').digest('hex');
    const tag = cipher.opaqueTag(md5);
    expect(tag).toMatch(/^[0-9a-f]{32}$/);
    expect(tag).not.toBe(md5);
    expect(createDataCipher(Buffer.alloc(32, 1)).opaqueTag(md5)).toBe(tag);
    expect(cipher.opaqueTag(createHash('md5').update('other').digest('hex'))).not.toBe(tag);
    expect(createDataCipher(Buffer.alloc(32, 2)).opaqueTag(md5)).not.toBe(tag);
  });

  it('takes keys of 32 bytes only', () => {
    expect(() => createDataCipher(Buffer.alloc(16))).toThrow(RangeError);
  });
});

describe('KeyRing', () => {
  const old = { id: 'k1', key: randomBytes(32) };
  const now = { id: 'k2', key: randomBytes(32) };
  const ring = new KeyRing({ current: now, previous: [old] });

  it('gives every object another key and opens it again', () => {
    const one = ring.newDataKey();
    const two = ring.newDataKey();
    expect(one.info).toMatchObject({ kind: 'SSE-S3', keyId: 'k2' });
    expect(one.info.wrappedKey).not.toBe(two.info.wrappedKey);
    const bytes = sealed(one.cipher);
    expect(ring.openDataKey(one.info).open('inode-a', 3, bytes, false)).toEqual(CHUNK);
    expect(() => ring.openDataKey(two.info).open('inode-a', 3, bytes, false)).toThrow(CORRUPT);
  });

  it('opens keys of a previous master key after a rotation', () => {
    const { info, cipher } = new KeyRing({ current: old }).newDataKey();
    expect(ring.openDataKey(info).open('inode-a', 3, sealed(cipher), false)).toEqual(CHUNK);
  });

  it('names the key that is missing', () => {
    const { info } = ring.newDataKey();
    const other = new KeyRing({ current: old });
    expect(() => other.openDataKey(info)).toThrow(StoreError);
    expect(() => other.openDataKey(info)).toThrow(/'k2'.*not configured/);
  });

  it('refuses a wrapped key that was changed, or moved under another key id', () => {
    const { info } = ring.newDataKey();
    const bytes = Buffer.from(info.wrappedKey, 'base64');
    for (let i = 0; i < bytes.length; i += 1) {
      const tampered = Buffer.from(bytes);
      tampered[i] = (tampered[i] ?? 0) ^ 1;
      expect(() => ring.openDataKey({ ...info, wrappedKey: tampered.toString('base64') })).toThrow(CORRUPT);
    }
    expect(() => ring.openDataKey({ ...info, wrappedKey: bytes.subarray(1).toString('base64') })).toThrow(CORRUPT);
    expect(() => ring.openDataKey({ ...info, wrappedKey: '' })).toThrow(CORRUPT);
    expect(() => ring.openDataKey({ ...info, keyId: 'k1' })).toThrow(CORRUPT);
    const sameKey = new KeyRing({ current: { id: 'k3', key: now.key } });
    expect(() => sameKey.openDataKey({ ...info, keyId: 'k3' })).toThrow(CORRUPT);
  });

  it('refuses a configuration with short keys or an id used twice', () => {
    expect(() => new KeyRing({ current: { id: 'k', key: randomBytes(31) } })).toThrow(/'k' has 31 bytes/);
    expect(() => new KeyRing({ current: now, previous: [{ id: 'k2', key: randomBytes(32) }] })).toThrow(
      /two master keys/,
    );
  });

  it('opens only its own kind', () => {
    expect(() => ring.openDataKey({ ...ring.newDataKey().info, kind: 'SSE-KMS' })).toThrow(/SSE-KMS/);
  });

  it('never shows a key when it is logged', () => {
    const { cipher } = ring.newDataKey();
    cipher.seal('inode-a', 0, [CHUNK], true);
    for (const secret of [ring, cipher, { key: createSecretKey(now.key), md5: customerKeyMd5(now.key) }]) {
      const shown = inspect(secret, { depth: 10, showHidden: true }) + JSON.stringify(secret);
      expect(shown).not.toContain(now.key.toString('hex'));
      expect(shown).not.toMatch(/<Buffer|Uint8Array/);
    }
  });
});

describe('wrapDataKey', () => {
  it('has a fresh nonce each time', () => {
    const key = createSecretKey(randomBytes(32));
    const dataKey = randomBytes(32);
    const wrapped = [wrapDataKey(key, 'a', dataKey), wrapDataKey(key, 'a', dataKey)];
    expect(wrapped[0]).not.toBe(wrapped[1]);
    for (const text of wrapped) expect(unwrapDataKey(key, 'a', text)).toEqual(dataKey);
  });
});

describe('SSE-C', () => {
  const bytes = randomBytes(32);
  const md5 = createHash('md5').update(bytes).digest('base64');
  const key = createSecretKey(bytes);
  const customerKey = { key, md5 };

  function headersOf(prefix: string = CUSTOMER_KEY): Record<string, string> {
    return {
      [`${prefix}-algorithm`]: 'AES256',
      [`${prefix}-key`]: bytes.toString('base64'),
      [`${prefix}-key-md5`]: md5,
    };
  }

  function refusal(headers: Record<string, string>): unknown {
    try {
      customerKeyOf(headers, CUSTOMER_KEY);
    } catch (error) {
      return error;
    }
    return null;
  }

  it('reads the key from its headers, and from those of a copy source', () => {
    for (const prefix of [CUSTOMER_KEY, COPY_SOURCE_CUSTOMER_KEY] as const) {
      const read = customerKeyOf(headersOf(prefix), prefix);
      expect(read?.md5).toBe(md5);
      expect(read?.key.export()).toEqual(bytes);
    }
    expect(customerKeyMd5(bytes)).toBe(md5);
    expect(customerKeyOf(headersOf(COPY_SOURCE_CUSTOMER_KEY), CUSTOMER_KEY)).toBeNull();
  });

  it.each([
    ['no base64', `${bytes.toString('base64').slice(0, -2)}!=`],
    ['16 bytes', randomBytes(16).toString('base64')],
    ['33 bytes', randomBytes(33).toString('base64')],
    ['nothing', ''],
  ])('refuses a key of %s without showing it', (_name, encoded) => {
    const error = refusal({ ...headersOf(), [`${CUSTOMER_KEY}-key`]: encoded });
    expect(error).toBeInstanceOf(S3Error);
    expect(error).toMatchObject({ code: 'InvalidArgument', status: 400 });
    if (encoded !== '') expect(inspect(error)).not.toContain(encoded);
  });

  it.each([
    ['algorithm', 'InvalidArgument', 'must provide a valid encryption algorithm.'],
    ['key', 'InvalidArgument', 'must provide an appropriate secret key.'],
    ['key-md5', 'InvalidArgument', 'must provide the client calculated MD5 of the secret key.'],
  ])('refuses a request without its %s', (part, code, message) => {
    const { [`${CUSTOMER_KEY}-${part}`]: _left, ...headers } = headersOf();
    const error = refusal(headers);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) as string });
    expect(inspect(error)).not.toContain(bytes.toString('base64'));
  });

  it('refuses another algorithm', () => {
    expect(refusal({ ...headersOf(), [`${CUSTOMER_KEY}-algorithm`]: 'AES128' })).toMatchObject({
      code: 'InvalidEncryptionAlgorithmError',
      status: 400,
    });
  });

  it('refuses a key whose MD5 is another, without telling either', () => {
    const other = customerKeyMd5(randomBytes(32));
    const error = refusal({ ...headersOf(), [`${CUSTOMER_KEY}-key-md5`]: other });
    expect(error).toMatchObject({ code: 'InvalidArgument', message: expect.stringContaining('MD5 hash') as string });
    expect(inspect(error)).not.toContain(bytes.toString('base64'));
  });

  it('derives another data key per salt', () => {
    const salts = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] as const;
    expect(sseCustomerDataKey(key, salts[0])).toEqual(sseCustomerDataKey(key, salts[0]));
    expect(sseCustomerDataKey(key, salts[0])).not.toEqual(sseCustomerDataKey(key, salts[1]));
    expect(sseCustomerDataKey(key, salts[0])).toHaveLength(32);
  });

  it('opens with the same key and stores nothing of it', () => {
    const { info, cipher } = newCustomerDataKey(customerKey);
    expect(info).toMatchObject({ kind: 'SSE-C', keyId: md5 });
    expect(JSON.stringify(info)).not.toContain(bytes.toString('base64'));
    const opened = openCustomerDataKey({ key: createSecretKey(bytes), md5 }, info);
    expect(opened.open('inode-a', 3, sealed(cipher), false)).toEqual(CHUNK);
  });

  it('never opens with another key, whatever MD5 it is given under', () => {
    const { info, cipher } = newCustomerDataKey(customerKey);
    const other = createSecretKey(randomBytes(32));
    expect(() => openCustomerDataKey({ key: other, md5: customerKeyMd5(other.export()) }, info)).toThrow(/not the one/);
    expect(() => openCustomerDataKey({ key: other, md5 }, info).open('inode-a', 3, sealed(cipher), false)).toThrow(
      CORRUPT,
    );
  });

  it('finds a damaged salt, and objects that are not SSE-C', () => {
    const { info, cipher } = newCustomerDataKey(customerKey);
    expect(() => openCustomerDataKey(customerKey, { ...info, wrappedKey: 'AAAA' })).toThrow(CORRUPT);
    const opened = openCustomerDataKey(customerKey, { ...info, wrappedKey: Buffer.alloc(32).toString('base64') });
    expect(() => opened.open('inode-a', 3, sealed(cipher), false)).toThrow(CORRUPT);
    expect(() => openCustomerDataKey(customerKey, { ...info, kind: 'SSE-S3' })).toThrow(TypeError);
  });
});
