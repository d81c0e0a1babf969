// The admin API: who may use it, how it answers, and what it tells of the server and the ring.
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateRoleCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, GetSessionTokenCommand } from '@aws-sdk/client-sts';
import { expect, it } from 'vitest';
import { callAdmin } from './admin.js';
import { allow, deny, iamOf, keysOf, makeUser, stsOf, trust, unique } from './iam-clients.js';
import { head, RawConnection } from './raw.js';
import type { Wire } from './servers.js';
import { describeWire, KEYS, REGION, SERVICE_URI } from './servers.js';
import { signV2, UNSIGNED } from './signing.js';

interface ServerReport {
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly workers: { readonly configured: number; readonly answering: number };
  readonly throughput: {
    readonly intervalSeconds: number;
    readonly operations: readonly { readonly name: string; readonly requests: readonly number[] }[];
  };
  readonly backlog: { readonly regions: readonly { readonly region: string }[] } | null;
}

describeWire('the admin API', suite, { service: { workers: 2 } });

function suite(wire: Wire): void {
  const server = { path: '/server' };
  const report = async () => {
    const { status, json } = await callAdmin(wire.server, KEYS.master, server);
    expect(status).toBe(200);
    return json as unknown as ServerReport & Record<string, unknown>;
  };

  it('tells operators what the server is', async () => {
    const found = await report();
    expect(found.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(found.uptimeSeconds).toBeGreaterThanOrEqual(0);
    expect(found['store']).toBe(wire.store);
    expect(found['defaultRegion']).toBe(REGION);
    expect(found['regions']).toEqual([
      { name: REGION, storageClasses: expect.arrayContaining(['STANDARD']) as unknown },
    ]);
    // The other one may still be starting.
    const { configured } = found.workers;
    expect(configured).toBe(2);
    await expect.poll(async () => (await report()).workers.answering, { timeout: 60_000 }).toBe(2);
  });

  it('counts requests of all workers by operation', async () => {
    const Bucket = await wire.bucket();
    await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        wire.s3.send(new PutObjectCommand({ Bucket, Key: `k${index}`, Body: 'content' })),
      ),
    );
    const counted = async (): Promise<number> => {
      const { throughput } = await report();
      const puts = throughput.operations.find(({ name }) => name === 'PutObject');
      return (puts?.requests ?? []).reduce((sum, count) => sum + count, 0);
    };
    // They are told once their interval is over.
    await expect.poll(counted, { timeout: 60_000, interval: 500 }).toBe(6);
  });

  it('tells what waits for the sweeper', async () => {
    let found = await report();
    for (let tries = 0; found.backlog === null && tries < 100; tries++) {
      await sleep(200);
      found = await report();
    }
    expect(found.backlog?.regions.map(({ region }) => region)).toEqual([REGION]);
  });

  it('tells where the data lies', async () => {
    const { status, json } = await callAdmin(wire.server, KEYS.master, { path: '/ring' });
    expect(status).toBe(200);
    if (wire.store === 'embedded') {
      const { volumes } = json as unknown as { volumes: { holds: string; totalBytes: number; freeBytes: number }[] };
      expect(volumes.map(({ holds }) => holds)).toEqual(expect.arrayContaining(['metadata', `${REGION} STANDARD`]));
      for (const { totalBytes, freeBytes } of volumes) {
        expect(freeBytes).toBeGreaterThan(0);
        expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
      }
    } else {
      const uuid: unknown = expect.stringMatching(/^[0-9a-f-]{36}$/);
      const text: unknown = expect.stringMatching(/./);
      const { clusters } = json as { clusters: { schemaAgreement: boolean; nodes: unknown[] }[] };
      expect(clusters).toHaveLength(1);
      expect(clusters[0]?.schemaAgreement).toBe(true);
      expect(clusters[0]?.nodes).toContainEqual({
        address: expect.stringMatching(/:\d+$/) as unknown,
        datacenter: text,
        rack: text,
        up: true,
        release: text,
        schemaVersion: uuid,
      });
    }
  });

  it('answers failures as JSON, with the id of the request', async () => {
    const unknown = await callAdmin(wire.server, KEYS.master, { path: '/nothing' });
    expect(unknown.status).toBe(404);
    expect(unknown.headers.get('content-type')).toBe('application/json');
    expect(unknown.json).toEqual({
      code: 'NoSuchEntity',
      message: expect.stringContaining('/-/admin/v1/nothing') as unknown,
      requestId: unknown.headers.get('x-amz-request-id'),
    });
    const method = await callAdmin(wire.server, KEYS.master, { ...server, method: 'DELETE' });
    expect([method.status, method.headers.get('allow')]).toEqual([405, 'GET']);
    expect((await callAdmin(wire.server, KEYS.master, { path: '/%ff' })).status).toBe(400);
  });

  it('is closed to all but operators', async () => {
    const unsigned = await fetch(`${wire.server.url}/-/admin/v1/server`);
    expect([unsigned.status, ((await unsigned.json()) as { code: string }).code]).toEqual([403, 'AccessDenied']);
    expect((await callAdmin(wire.server, KEYS.user, server)).status).toBe(403);
    const wrong = { ...KEYS.master, secretAccessKey: 'wrong' };
    expect((await callAdmin(wire.server, wrong, server)).json?.['code']).toBe('SignatureDoesNotMatch');
    // Being root of an account, and giving oneself every right in it, does not make an operator.
    const everything = await makeUser(iamOf(wire.server, KEYS.user), allow('*'));
    expect((await callAdmin(wire.server, everything.keys, server)).status).toBe(403);
  });

  it('obeys the policies of users and roles of an operator', async () => {
    const iam = iamOf(wire.server, KEYS.master);
    const may = await makeUser(iam, allow('pithos:GetServer'));
    expect((await callAdmin(wire.server, may.keys, server)).status).toBe(200);
    const refused = await callAdmin(wire.server, may.keys, { path: '/ring' });
    expect(refused.status).toBe(403);
    expect(refused.json?.['message']).toContain(`${may.arn} is not authorized to perform: pithos:GetRing`);
    const nobody = await makeUser(iam, allow('s3:*'));
    expect((await callAdmin(wire.server, nobody.keys, server)).status).toBe(403);
    const denied = await makeUser(iam, deny('pithos:Get*'));
    expect((await callAdmin(wire.server, denied.keys, server)).status).toBe(403);

    const RoleName = unique('role');
    const { Role } = await iam.send(
      new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust({ AWS: KEYS.master.tenant }) }),
    );
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'ring', PolicyDocument: allow('pithos:GetRing') }));
    const assumer = await makeUser(iam, allow('sts:AssumeRole'));
    const { Credentials } = await stsOf(wire.server, assumer.keys).send(
      new AssumeRoleCommand({ RoleArn: Role?.Arn ?? '', RoleSessionName: 'test' }),
    );
    const session = keysOf(Credentials);
    expect((await callAdmin(wire.server, session, { path: '/ring' })).status).toBe(200);
    expect((await callAdmin(wire.server, session, server)).status).toBe(403);
    const own = await stsOf(wire.server, may.keys).send(new GetSessionTokenCommand({}));
    expect((await callAdmin(wire.server, keysOf(own.Credentials), server)).status).toBe(200);
  });

  it('takes Signature Version 4 only', async () => {
    const host = new URL(wire.server.url).host;
    const dated = { host, 'x-amz-date': new Date().toUTCString() };
    const resource = '/-/admin/v1/server';
    const v2 = signV2({ method: 'GET', resource, headers: dated, credentials: KEYS.master });
    const response = await fetch(`${wire.server.url}${resource}`, { headers: v2 });
    expect(((await response.json()) as { message: string }).message).toContain('Signature Version 4');
    // Without a body there is nothing that the signature leaves out.
    expect((await callAdmin(wire.server, KEYS.master, { ...server, payload: UNSIGNED })).status).toBe(200);
  });

  it('is not in the way of a bucket that is named by the host', async () => {
    const Bucket = await wire.bucket();
    const raw = await RawConnection.open(wire.server);
    await raw.send(head('GET', '/-/admin/v1/server', { host: `${Bucket}.${SERVICE_URI}` }));
    const { status, code } = await raw.response();
    raw.destroy();
    expect([status, code]).toEqual([403, 'AccessDenied']);
  });
}
