/** What an operator asks on the command line, beside a gateway that runs: buckets, keys, doctor. */
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { pithos } from '../support/server.js';
import { eventually } from './helpers.js';
import { describeWire, MASTER_KEY, USER_KEY } from './servers.js';

describeWire('the command line', (wire) => {
  async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await pithos([...args, '--json', '-f', wire.server.configFile]);
    expect(stderr, stdout).not.toContain('could not finish');
    expect(code, stdout + stderr).toBe(0);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  it('lists buckets, and shows one', async () => {
    const Bucket = await wire.bucket({ ObjectLockEnabledForBucket: true });
    const listed = await json('buckets', 'list', '--tenant', USER_KEY.tenant);
    const row = { bucket: Bucket, tenant: USER_KEY.tenant, versioning: 'enabled', objectLock: true, state: 'active' };
    expect(listed['buckets']).toContainEqual(expect.objectContaining(row));
    expect(await json('buckets', 'show', '--bucket', Bucket)).toMatchObject({ bucket: row });
    const none = await pithos(['buckets', 'show', '--bucket', 'there-is-none', '-f', wire.server.configFile]);
    expect(none).toMatchObject({ code: 2 });
    expect(none.stderr).toContain("there is no bucket 'there-is-none'");
  });

  it('makes keys that the gateway takes, and takes them away', async () => {
    const whose = ['--tenant', USER_KEY.tenant, '--user', 'deploy'];
    const { key } = (await json('keys', 'create', ...whose)) as { key: { accessKey: string; secret: string } };
    const s3 = wire.client({ accessKeyId: key.accessKey, secretAccessKey: key.secret, tenant: USER_KEY.tenant });
    const codeOf = async (): Promise<string> => {
      try {
        await s3.send(new ListBucketsCommand({}));
        return 'welcome';
      } catch (error) {
        return error instanceof Error ? error.name : '';
      }
    };
    // Known, and without a policy of its own allowed nothing.
    await eventually(codeOf).toBe('AccessDenied');
    const listed = await json('keys', 'list');
    expect(listed['keys']).toContainEqual(
      expect.objectContaining({ accessKey: key.accessKey, user: 'deploy', status: 'Active', source: 'iam' }),
    );
    expect(listed['keys']).toContainEqual(
      expect.objectContaining({ accessKey: MASTER_KEY.accessKeyId, source: 'configuration', master: true }),
    );
    expect(JSON.stringify(listed)).not.toContain(key.secret);

    await json('keys', 'disable', ...whose, '--key', key.accessKey);
    await eventually(codeOf).toBe('InvalidAccessKeyId');
    await json('keys', 'enable', ...whose, '--key', key.accessKey);
    await eventually(codeOf).toBe('AccessDenied');
    await json('keys', 'remove', ...whose, '--key', key.accessKey);
    await eventually(codeOf).toBe('InvalidAccessKeyId');
    const again = await pithos(['keys', 'remove', ...whose, '--key', key.accessKey, '-f', wire.server.configFile]);
    expect(again.code).toBe(2);
  });

  it('says how everything is', async () => {
    const { code, stdout } = await pithos(['doctor', '--json', '-f', wire.server.configFile]);
    const report = JSON.parse(stdout) as { problems: number; findings: { check: string; state: string }[] };
    expect(report.problems, stdout).toBe(0);
    expect(code).toBe(0);
    const checks = new Set(report.findings.map(({ check }) => check));
    for (const check of wire.store === 'embedded' ? ['disk'] : ['ring', 'clocks']) expect([...checks]).toContain(check);
    // The published keys are in this configuration.
    expect(report.findings).toContainEqual(expect.objectContaining({ check: 'keys', state: 'warning' }));
  });
});
