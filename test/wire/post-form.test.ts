// Uploads by HTML forms: signed policies of both versions, what they allow, and what comes back.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html
import { createHash, createHmac } from 'node:crypto';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { bytes, etagOf, failure, MIB, read } from './helpers.js';
import { exchange } from './raw.js';
import { describeWire, KEYS, REGION } from './servers.js';
import { amzDateOf, hmacSha1, signingKeyOf } from './signing.js';

type Fields = Record<string, string>;
type Condition = Readonly<Record<string, string>> | readonly (string | number)[];

const BOUNDARY = 'form-boundary-7d1';

function multipart(fields: Fields, file: { content: Buffer | string; name?: string; type?: string } | null): Buffer {
  const part = (disposition: string, content: Buffer | string, type?: string): Buffer =>
    Buffer.concat([
      Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; ${disposition}\r\n`),
      Buffer.from(type === undefined ? '\r\n' : `Content-Type: ${type}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from('\r\n'),
    ]);
  const parts = Object.entries(fields).map(([name, value]) => part(`name="${name}"`, value));
  if (file !== null) {
    const { content, name = 'upload.bin', type = 'application/octet-stream' } = file;
    parts.push(part(`name="file"; filename="${name}"`, content, type));
  }
  return Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}

describeWire('form uploads', (wire) => {
  let Bucket = '';
  beforeAll(async () => {
    Bucket = await wire.bucket();
  });

  const post = (body: Buffer, contentType = `multipart/form-data; boundary=${BOUNDARY}`) =>
    exchange(wire.server, {
      method: 'POST',
      target: `/${Bucket}`,
      headers: { 'content-type': contentType },
      body,
    });

  const policyOf = (conditions: readonly Condition[], lifetimeMs = 60_000): string =>
    Buffer.from(
      JSON.stringify({
        expiration: new Date(Date.now() + lifetimeMs).toISOString(),
        conditions: [{ bucket: Bucket }, ...conditions],
      }),
    ).toString('base64');

  /** Adds policy and signature fields, version 4. */
  const signed = (fields: Fields, conditions: readonly Condition[], lifetimeMs?: number): Fields => {
    const date = amzDateOf(new Date());
    const day = date.slice(0, 8);
    const own = {
      'x-amz-algorithm': 'AWS4-HMAC-SHA256',
      'x-amz-credential': `${KEYS.user.accessKeyId}/${day}/${REGION}/s3/aws4_request`,
      'x-amz-date': date,
    };
    const policy = policyOf(
      [...conditions, ...Object.entries(own).map(([name, value]) => ({ [name]: value }))],
      lifetimeMs,
    );
    const key = signingKeyOf(KEYS.user.secretAccessKey, day);
    return { ...fields, ...own, policy, 'x-amz-signature': createHmac('sha256', key).update(policy).digest('hex') };
  };
  const anyKey: Condition = ['starts-with', '$key', ''];
  const contentOf = async (Key: string): Promise<string> => (await read(wire.s3, { Bucket, Key })).content.toString();
  const isMissing = async (Key: string): Promise<void> =>
    expect(await failure(wire.s3.send(new HeadObjectCommand({ Bucket, Key })))).toMatchObject({ status: 404 });

  it('stores the file with the fields of the form', async () => {
    const fields = signed(
      {
        key: 'forms/${filename}',
        'Content-Type': 'image/x-drawn',
        'Cache-Control': 'no-store',
        'x-amz-meta-note': 'grün',
        'x-amz-server-side-encryption': 'AES256',
        acl: 'public-read',
      },
      [
        ['starts-with', '$key', 'forms/'],
        ['starts-with', '$Content-Type', 'image/'],
        ['eq', '$cache-control', 'no-store'],
        { 'x-amz-meta-note': 'grün' },
        { 'x-amz-server-side-encryption': 'AES256' },
        { acl: 'public-read' },
      ],
    );
    const answer = await post(multipart(fields, { content: 'drawing', name: 'C:\\pictures\\a b.png' }));
    expect(answer.status).toBe(204);
    expect(answer.headers['etag']).toBe(etagOf('drawing'));
    const Key = 'forms/a b.png';
    const { output, content } = await read(wire.s3, { Bucket, Key });
    expect(content.toString()).toBe('drawing');
    expect(output).toMatchObject({
      ContentType: 'image/x-drawn',
      CacheControl: 'no-store',
      ServerSideEncryption: 'AES256',
    });
    expect(output.Metadata?.['note']).toBe('=?UTF-8?Q?gr=C3=BCn?=');
    expect((await exchange(wire.server, { method: 'GET', target: `/${Bucket}/forms/a%20b.png` })).status).toBe(200);
  });

  it('counts metadata that no header can carry, and refuses other headers of that kind', async () => {
    const form = {
      key: 'odd-metadata',
      'x-amz-meta-lines': 'one\ntwo',
      'x-amz-meta-a b': 'c',
      'x-amz-meta-fine': 'yes',
    };
    const conditions: Condition[] = Object.entries(form).map(([name, value]) => ({ [name]: value }));
    expect((await post(multipart(signed(form, conditions), { content: 'x' }))).status).toBe(204);
    const { MissingMeta, Metadata } = await wire.s3.send(new HeadObjectCommand({ Bucket, Key: form.key }));
    expect({ MissingMeta, Metadata }).toEqual({ MissingMeta: 2, Metadata: { fine: 'yes' } });
    const split = { key: 'split', 'Content-Disposition': 'a\r\nx-injected: b' };
    const splitConditions: Condition[] = Object.entries(split).map(([name, value]) => ['eq', `$${name}`, value]);
    expect(await post(multipart(signed(split, splitConditions), { content: 'x' }))).toMatchObject({
      status: 400,
      code: 'InvalidArgument',
    });
    await isMissing('split');
  });

  it('takes files of any size and any bytes', async () => {
    for (const content of [Buffer.alloc(0), bytes(3 * MIB + 1), Buffer.from(`\r\n--${BOUNDARY.slice(0, -1)}\r\n`)]) {
      const answer = await post(multipart(signed({ key: 'sized' }, [anyKey]), { content }));
      expect([answer.status, answer.headers['etag']]).toEqual([204, etagOf(content)]);
      expect((await read(wire.s3, { Bucket, Key: 'sized' })).content.equals(content)).toBe(true);
    }
  });

  it('answers as the form asks', async () => {
    for (const [asked, status] of [
      ['200', 200],
      ['201', 201],
      ['204', 204],
      ['404', 204],
    ] as const) {
      const fields = signed({ key: 'status', success_action_status: asked }, [
        anyKey,
        { success_action_status: asked },
      ]);
      const answer = await post(multipart(fields, { content: 'x' }));
      expect(answer.status).toBe(status);
      if (status === 201) {
        const body = answer.body.toString();
        expect(body).toContain(`<Bucket>${Bucket}</Bucket><Key>status</Key>`);
        expect(body).toMatch(/<PostResponse.*<Location>http:.*<ETag>/s);
      }
    }
    const redirect = 'http://app.example.com/done?step=2';
    const fields = signed({ key: 'redirected', success_action_redirect: redirect }, [
      anyKey,
      { success_action_redirect: redirect },
    ]);
    const answer = await post(multipart(fields, { content: 'x' }));
    expect(answer.status).toBe(303);
    const location = new URL(answer.headers['location'] ?? '');
    expect(location.origin + location.pathname).toBe('http://app.example.com/done');
    expect(Object.fromEntries(location.searchParams)).toEqual({
      step: '2',
      bucket: Bucket,
      key: 'redirected',
      etag: etagOf('x'),
    });
  });

  it('takes policies signed with version 2', async () => {
    const policy = policyOf([anyKey]);
    const signature = hmacSha1(KEYS.user.secretAccessKey, policy);
    const fields = { key: 'version-2', AWSAccessKeyId: KEYS.user.accessKeyId, policy, signature };
    expect((await post(multipart(fields, { content: 'two' }))).status).toBe(204);
    expect(await contentOf('version-2')).toBe('two');
    const forged = { ...fields, key: 'forged-2', signature: hmacSha1('guessed', policy) };
    expect(await post(multipart(forged, { content: 'x' }))).toMatchObject({
      status: 403,
      code: 'SignatureDoesNotMatch',
    });
    await isMissing('forged-2');
  });

  describe('are refused', () => {
    it.each([
      [
        'with a wrong signature',
        (fields: Fields) => ({ ...fields, 'x-amz-signature': '0'.repeat(64) }),
        403,
        'SignatureDoesNotMatch',
      ],
      [
        'with a changed policy',
        (fields: Fields) => ({
          ...fields,
          policy: Buffer.from('{"expiration":"2099-01-01T00:00:00Z","conditions":[]}').toString('base64'),
        }),
        403,
        'SignatureDoesNotMatch',
      ],
      [
        'with an unknown key',
        (fields: Fields) => ({
          ...fields,
          'x-amz-credential': (fields['x-amz-credential'] ?? '').replace(KEYS.user.accessKeyId, 'AKIANOBODY'),
        }),
        403,
        'InvalidAccessKeyId',
      ],
      [
        'with a field that no condition allows',
        (fields: Fields) => ({ 'x-amz-meta-extra': '1', ...fields }),
        403,
        'AccessDenied',
      ],
      ['with another key than allowed', (fields: Fields) => ({ ...fields, key: 'other/refused' }), 403, 'AccessDenied'],
      ['without a signature', ({ key = '' }: Fields) => ({ key }), 403, 'AccessDenied'],
      ['without a key', ({ key: _key, ...fields }: Fields) => fields, 400, 'UserKeyMustBeSpecified'],
    ] as const)('%s', async (_name, change, status, code) => {
      const fields = signed({ key: 'allowed/refused' }, [['starts-with', '$key', 'allowed/']]);
      const answer = await post(multipart(change(fields), { content: 'x' }));
      expect(answer).toMatchObject({ status, code });
      await isMissing('allowed/refused');
      await isMissing('other/refused');
    });

    it('after the policy has expired', async () => {
      const answer = await post(multipart(signed({ key: 'expired' }, [anyKey], -1000), { content: 'x' }));
      expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' });
      expect(answer.body.toString()).toContain('expired');
    });

    it('when the file is larger or smaller than allowed', async () => {
      const fields = () => signed({ key: 'ranged' }, [anyKey, ['content-length-range', 10, 100]]);
      for (const [content, code] of [
        [bytes(101), 'EntityTooLarge'],
        [bytes(2 * MIB), 'EntityTooLarge'],
        [bytes(9), 'EntityTooSmall'],
      ] as const)
        expect(await post(multipart(fields(), { content }))).toMatchObject({ status: 400, code });
      await isMissing('ranged');
      expect((await post(multipart(fields(), { content: bytes(100) }))).status).toBe(204);
    });

    it('for another bucket than the policy’s', async () => {
      const other = await wire.bucket();
      const body = multipart(signed({ key: 'elsewhere' }, [anyKey]), { content: 'x' });
      const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
      const answer = await exchange(wire.server, { method: 'POST', target: `/${other}`, headers, body });
      expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' });
    });

    it('when they are no form, or one without its file or its end', async () => {
      const fields = () => signed({ key: 'broken' }, [anyKey]);
      const whole = multipart(fields(), { content: 'x' });
      expect(await post(whole, 'application/json')).toMatchObject({ status: 412 });
      expect(await post(multipart(fields(), null))).toMatchObject({ status: 400, code: 'InvalidArgument' });
      expect(await post(whole.subarray(0, -20))).toMatchObject({ status: 400, code: 'MalformedPOSTRequest' });
      expect(await post(Buffer.from('no form at all'))).toMatchObject({ status: 400 });
      const nameless = Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx\r\n--${BOUNDARY}--\r\n`);
      expect(await post(nameless)).toMatchObject({ status: 400, code: 'MalformedPOSTRequest' });
      await isMissing('broken');
    });

    it('when the file is not what its Content-MD5 says', async () => {
      const digest = createHash('md5').update('other').digest('base64');
      const fields = signed({ key: 'digest', 'Content-MD5': digest }, [anyKey, ['eq', '$content-md5', digest]]);
      expect(await post(multipart(fields, { content: 'x' }))).toMatchObject({ status: 400, code: 'BadDigest' });
      await isMissing('digest');
    });
  });
});
