// The server's own log: a line for each request, with the id that its client was told, and nothing that is secret.
import { createHash, randomBytes } from 'node:crypto';
import { CreateAccessKeyCommand, CreateUserCommand } from '@aws-sdk/client-iam';
import { CopyObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { GetSessionTokenCommand } from '@aws-sdk/client-sts';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { expect, it } from 'vitest';
import { callAdmin } from './admin.js';
import { contentOf, failure } from './helpers.js';
import { iamOf, keysOf, s3Of, stsOf, unique } from './iam-clients.js';
import type { Wire } from './servers.js';
import { describeWire, KEYS, USER_KEY } from './servers.js';
import { sha256Hex, signV2, signV4 } from './signing.js';

describeWire('logs', suite, {
  logging: { level: 'trace', console: true },
  encryption: { 'master-key': randomBytes(32).toString('base64'), 'customer-keys-require-tls': false },
});

interface Line {
  readonly time: string;
  readonly level: string;
  readonly msg: string;
  readonly requestId?: string;
  readonly operation?: string;
  readonly status?: number;
  readonly code?: string;
  readonly tenant?: string;
}

function suite(wire: Wire): void {
  const lines = (): Line[] =>
    wire.server
      .logs()
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line) as Line);
  /** The line of a request, once it is there. */
  const lineOf = async (requestId: string | null | undefined): Promise<Line> => {
    const found = (): Line[] => lines().filter((line) => line.requestId === requestId);
    await expect.poll(() => found().length, { timeout: 60_000 }).toBe(1);
    return found()[0] as Line;
  };

  it('have a line for each request, under the id that the client was told', async () => {
    const Bucket = await wire.bucket();
    const { $metadata } = await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'v' }));
    expect(await lineOf($metadata.requestId)).toMatchObject({
      level: 'info',
      operation: 'PutObject',
      status: 200,
      tenant: USER_KEY.tenant,
    });
    const refused = await failure(wire.s3.send(new GetObjectCommand({ Bucket, Key: 'none' })));
    expect(await lineOf(refused.error.$metadata.requestId)).toMatchObject({
      level: 'info',
      status: 404,
      code: 'NoSuchKey',
    });
    const admin = await callAdmin(wire.server, KEYS.master, { path: '/server' });
    expect(await lineOf(admin.headers.get('x-amz-request-id'))).toMatchObject({ operation: 'pithos:GetServer' });
  });

  it('hold no secret, signature or key of a client, whatever becomes of its request', async () => {
    const secrets = new Map<string, string>();
    for (const [name, { secretAccessKey }] of Object.entries(KEYS)) secrets.set(`secret of ${name}`, secretAccessKey);
    const Bucket = await wire.bucket();
    const { host } = new URL(wire.server.url);

    // SSE-C: a key that is right, one that is wrong, one for a copy's source.
    const customer = (key: Buffer) => {
      secrets.set(`customer key ${secrets.size}`, key.toString('base64'));
      secrets.set(`digest of a customer key ${secrets.size}`, createHash('md5').update(key).digest('base64'));
      return {
        SSECustomerAlgorithm: 'AES256',
        SSECustomerKey: key.toString('base64'),
        SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
      };
    };
    const right = customer(randomBytes(32));
    await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'sealed', Body: 'v', ...right }));
    await contentOf(await wire.s3.send(new GetObjectCommand({ Bucket, Key: 'sealed', ...right })));
    await failure(wire.s3.send(new GetObjectCommand({ Bucket, Key: 'sealed', ...customer(randomBytes(32)) })));
    await wire.s3.send(
      new CopyObjectCommand({
        Bucket,
        Key: 'copied',
        CopySource: `${Bucket}/sealed`,
        CopySourceSSECustomerAlgorithm: 'AES256',
        CopySourceSSECustomerKey: right.SSECustomerKey,
        CopySourceSSECustomerKeyMD5: right.SSECustomerKeyMD5,
      }),
    );

    // Presigned URLs, good and bad.
    const presigned = await getSignedUrl(wire.s3, new GetObjectCommand({ Bucket, Key: 'copied' }));
    secrets.set('presigned signature', new URL(presigned).searchParams.get('X-Amz-Signature') ?? '');
    expect((await fetch(presigned)).status).toBe(200);
    expect((await fetch(`${presigned}0`)).status).toBe(403);

    // Signatures in headers: of version 4, of version 2, wrong ones, ones for what is not there.
    for (const [path, credentials] of [
      [`/${Bucket}/copied`, USER_KEY],
      [`/${Bucket}/none`, USER_KEY],
      [`/${Bucket}/copied`, { ...USER_KEY, secretAccessKey: 'anothers-secret-that-is-wrong' }],
      [`/${Bucket}?unknown-thing`, KEYS.other],
    ] as const) {
      const [plain = '', query = ''] = path.split('?');
      const v4 = signV4({ method: 'GET', path: plain, query, headers: { host }, payload: sha256Hex(''), credentials });
      secrets.set(`signature of ${path} ${secrets.size}`, v4.signature);
      await fetch(`${wire.server.url}${path}`, { headers: v4.headers });
      const dated = { host, 'x-amz-date': new Date().toUTCString() };
      const v2 = signV2({ method: 'GET', resource: plain, headers: dated, credentials });
      secrets.set(`version 2 of ${path} ${secrets.size}`, v2['authorization']?.split(':').at(-1) ?? '');
      await fetch(`${wire.server.url}${path}`, { headers: v2 });
    }

    // Keys and sessions that the server makes, and their use.
    const iam = iamOf(wire.server, USER_KEY);
    const UserName = unique('logged');
    await iam.send(new CreateUserCommand({ UserName }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    secrets.set('secret that was made', AccessKey?.SecretAccessKey ?? '');
    const session = keysOf((await stsOf(wire.server, USER_KEY).send(new GetSessionTokenCommand({}))).Credentials);
    secrets.set('secret of a session', session.secretAccessKey);
    secrets.set('token of a session', session.sessionToken ?? '');
    const s3 = s3Of(wire.server, session);
    await contentOf(await s3.send(new GetObjectCommand({ Bucket, Key: 'copied' })));
    const last = await failure(
      s3Of(wire.server, { ...session, sessionToken: `${session.sessionToken}x` }).send(
        new GetObjectCommand({ Bucket, Key: 'copied' }),
      ),
    );
    await lineOf(last.error.$metadata.requestId);

    const logs = wire.server.logs();
    for (const [name, secret] of secrets) {
      expect(secret.length, name).toBeGreaterThan(10);
      expect(logs.includes(secret), name).toBe(false);
      expect(logs.includes(encodeURIComponent(secret)), name).toBe(false);
    }
    expect(logs).not.toMatch(/AWS4-HMAC-SHA256|X-Amz-Signature|authorization/i);
  });
}
