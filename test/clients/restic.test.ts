// restic, whose repository must come back bit by bit: back up, check all data, restore, forget and prune.
import { beforeAll, expect, it } from 'vitest';
import { bytes, MIB } from '../wire/helpers.js';
import { bucketName, describeWire, REGION, USER_KEY } from '../wire/servers.js';
import { showFaultsOf, useWorkDir } from './fixtures.js';
import { clientEnv, ensureRestic, run, runOk } from './tools.js';

let resticCommand: string;
beforeAll(async () => {
  resticCommand = await ensureRestic();
});

describeWire('restic', (wire) => {
  const workDir = useWorkDir();
  showFaultsOf(wire);

  it('keeps a repository', async () => {
    const options = {
      cwd: workDir().path,
      env: {
        ...clientEnv(workDir().path),
        AWS_ACCESS_KEY_ID: USER_KEY.accessKeyId,
        AWS_SECRET_ACCESS_KEY: USER_KEY.secretAccessKey,
        AWS_DEFAULT_REGION: REGION,
        RESTIC_REPOSITORY: `s3:${wire.server.url}/${bucketName('restic')}/a/repository`,
        RESTIC_PASSWORD: 'only for the test',
      },
    };
    const restic = async (...args: readonly string[]) => (await runOk(resticCommand, args, options)).stdout;

    const unmade = await run(resticCommand, ['snapshots'], options);
    expect(unmade.code).not.toBe(0);
    await restic('init');
    await workDir().writeAll({ 'home/notes ü.txt': 'first', 'home/large.bin': bytes(9 * MIB, 5).toString('base64') });
    await restic('backup', 'home');
    await workDir().write('home/notes ü.txt', 'second');
    await restic('backup', 'home');
    const snapshots = JSON.parse(await restic('snapshots', '--json')) as { readonly id: string }[];
    expect(snapshots).toHaveLength(2);
    expect(await restic('check', '--read-data')).toContain('no errors were found');

    await restic('restore', 'latest', '--target', 'restored');
    expect(await workDir().tree(`restored/home`)).toEqual(await workDir().tree('home'));
    await restic('restore', snapshots[0]?.id ?? '', '--target', 'earlier');
    expect((await workDir().tree(`earlier/home`))['notes ü.txt']).toBe('first');

    await restic('forget', '--keep-last=1', '--prune');
    expect(JSON.parse(await restic('snapshots', '--json'))).toHaveLength(1);
    expect(await restic('check', '--read-data')).toContain('no errors were found');
    expect(await restic('list', 'locks')).toBe('');
  });
});
