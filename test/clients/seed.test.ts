// The documentation's walk through Pithos, step by step and word by word, with the tools that it names: install the schema,
// start the gateway with the configuration files of the day, use s3cmd with the ~/.s3cfg shown, run the boto script shown.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootstrap, MASTER_KEY, spawnPithos } from '../support/server.js';
import type { PithosProcess } from '../support/server.js';
import { dropKeyspace, uniqueKeyspace, useCassandra } from '../support/cassandra.js';
import { run } from '../support/run.js';
import { describeWire } from '../wire/servers.js';
import { showFaultsOf, useWorkDir } from './fixtures.js';
import { documentedS3cfg, S3cmd } from './s3cmd.js';
import { clientEnv, ensurePython, runOk } from './tools.js';
import type { PythonTools } from './tools.js';

const SCHEMA_TIMEOUT_MS = 120_000;

/** The documentation's script; only the address of the load balancer is another. */
const botoScript = ({ host, port }: PithosProcess): string => `#!/usr/bin/env python

from boto.s3.key import Key
from boto.s3.connection import S3Connection
from boto.s3.connection import OrdinaryCallingFormat

apikey='AKIAIOSFODNN7EXAMPLE'
secretkey='wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'

cf=OrdinaryCallingFormat()

conn=S3Connection(aws_access_key_id=apikey,
                  aws_secret_access_key=secretkey,
                  is_secure=False,host='${host}',
                  port=${port},
                  calling_format=cf)

conn.create_bucket('foobar')
`;

let tools: PythonTools;
beforeAll(async () => {
  tools = await ensurePython();
});

describeWire('the documented first steps', (wire) => {
  const workDir = useWorkDir();
  showFaultsOf(wire);
  let s3cmd: S3cmd;
  beforeAll(async () => {
    s3cmd = await S3cmd.configured({ tools, workDir: workDir(), config: documentedS3cfg(wire.server) });
  });
  afterAll(async () => {
    await s3cmd.removeBucket('s3://foobar');
  });

  it('makes and lists a bucket with s3cmd', async () => {
    expect(await s3cmd.ok('mb', 's3://foobar')).toBe("Bucket 's3://foobar/' created\n");
    expect(await s3cmd.ok('ls')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d  s3:\/\/foobar$/m);
  });

  it('makes the same bucket with boto', async () => {
    const script = await workDir().write('script.py', botoScript(wire.server));
    await runOk(tools.python, ['-B', script], { env: clientEnv(workDir().path) });
    expect(await s3cmd.ok('ls')).toMatch(/ s3:\/\/foobar$/m);
  });

  it('makes a new bucket with boto', async () => {
    await s3cmd.ok('rb', 's3://foobar');
    expect(await s3cmd.ok('ls')).not.toContain('s3://foobar');
    const script = await workDir().write('script.py', botoScript(wire.server));
    await runOk(tools.python, ['-B', script], { env: clientEnv(workDir().path) });
    expect(await s3cmd.ok('ls')).toMatch(/ s3:\/\/foobar$/m);
  });

  it('stores an object and gives it back', async () => {
    const file = await workDir().write('hello.txt', 'hello from the walk through');
    await s3cmd.ok('put', file, 's3://foobar');
    expect(await s3cmd.ok('ls', 's3://foobar')).toMatch(/ 27  s3:\/\/foobar\/hello\.txt$/m);
    await s3cmd.ok('get', 's3://foobar/hello.txt', workDir().at('back.txt'));
    expect(await workDir().read('back.txt')).toEqual(await workDir().read('hello.txt'));
  });
});

// Both have the sections and the spellings of the files that Pithos and its Kubernetes image came with, comments aside.
const CONFIGURATIONS = {
  'of the daemon': (cluster: string, keyspace: string) => `
service:
  host: "127.0.0.1"
logging:
  level: info
  console: true
  overrides:
    io.pithos: debug
options:
  service-uri: s3.example.com
  default-region: myregion
keystore:
  keys:
    AKIAIOSFODNN7EXAMPLE:
      master: true
      tenant: test@example.com
      secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
    AKIDEXAMPLE:
      master: true
      tenant: test@example.com
      secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'


bucketstore:
  default-region: myregion
  cluster: "${cluster}"
  keyspace: ${keyspace}
regions:
  myregion:
    metastore:
      cluster: "${cluster}"
      keyspace: ${keyspace}
    storage-classes:
      standard:
        cluster: "${cluster}"
        keyspace: ${keyspace}
        max-chunk: "128k"
        max-block-chunk: 1024
cassandra:
   saved_caches_directory: "target/db/saved_caches"
   data_file_directories:
     - "target/db/data"
   commitlog_directory: "target/db/commitlog"
`,
  'of the image': (cluster: string, keyspace: string, logFile: string) => `
service:
  host: '127.0.0.1'
logging:
  level: info
  console: true
  files:
    - "${logFile}"
options:
  service-uri: 's3.example.com'
  reporting: true
  server-side-encryption: true
  multipart-upload: true
  masterkey-provisioning: true
  masterkey-access: true
  default-region: 'CH-GV1'
keystore:
  keys:
    AKIAIOSFODNN7EXAMPLE:
      master: true
      tenant: 'pyr@spootnik.org'
      secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
    BKIAIOSFODNN7EXAMPLE:
      tenant: 'exoscale'
      secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
bucketstore:
  default-region: 'CH-GV1'
  cluster: '${cluster}'
  keyspace: '${keyspace}'
regions:
  CH-GV1:
    metastore:
      cluster: '${cluster}'
      keyspace: '${keyspace}'
    storage-classes:
      standard:
        cluster: '${cluster}'
        keyspace: '${keyspace}'
        max-chunk: '128k'
        max-block-chunks: 1024
`,
} as const;

describe.each(Object.entries(CONFIGURATIONS))('the configuration file %s', (_name, configuration) => {
  const workDir = useWorkDir();
  const keyspace = uniqueKeyspace('seed');
  let configFile: string;
  let text: string;
  beforeAll(async () => {
    text = configuration(useCassandra().contactPoint, keyspace, workDir().at('pithos.log'));
    configFile = await workDir().write('pithos.yaml', text);
  });
  afterAll(() => dropKeyspace({ ...useCassandra(), keyspace }));

  const pithos = (...args: readonly string[]) =>
    run(process.execPath, ['dist/server', ...args], {
      env: { PITHOS_CONFIGURATION: undefined },
      timeoutMs: SCHEMA_TIMEOUT_MS,
    });

  it('installs its schema, as often as it is told to and in all ways to say it', async () => {
    const first = await pithos('-f', configFile, '-a', 'install-schema');
    expect(first).toMatchObject({ code: 0 });
    expect(first.stdout + first.stderr).toContain(`created keyspace ${keyspace}`);
    const again = [
      await pithos('-f', configFile, '-a', 'install-schema'),
      await pithos('install-schema', '-f', configFile),
      await bootstrap(configFile),
      await run(process.execPath, ['dist/server', 'bootstrap'], {
        env: { PITHOS_CONFIGURATION: configFile },
        timeoutMs: SCHEMA_TIMEOUT_MS,
      }),
    ];
    for (const result of again) {
      expect(result).toMatchObject({ code: 0 });
      expect(result.stdout + result.stderr).not.toMatch(/"msg":"(created|applied) /);
    }
  });

  it('serves, and refuses encryption that it has no key for', async () => {
    const server = await spawnPithos({ config: text });
    try {
      const encrypted = documentedS3cfg(server);
      const plain = encrypted.replace('server_side_encryption = True', 'server_side_encryption = False');
      const options = { tools, workDir: workDir() };
      const s3cmd = await S3cmd.configured({ ...options, config: plain });
      const encrypting = await S3cmd.configured({ ...options, config: encrypted, name: '.s3cfg-encrypted' });
      expect(await encrypting.ok('mb', 's3://foobar')).toBe("Bucket 's3://foobar/' created\n");
      const file = await workDir().write('hello.txt', 'hello');
      const refused = await encrypting.run('put', file, 's3://foobar');
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toMatch(/encryption/i);
      expect(await s3cmd.ok('ls', 's3://foobar')).toBe('');
      await s3cmd.ok('put', file, 's3://foobar');
      expect(await s3cmd.ok('ls', 's3://foobar')).toMatch(/ 5  s3:\/\/foobar\/hello\.txt$/m);
      expect(await s3cmd.ok('get', 's3://foobar/hello.txt', '-')).toBe('hello');
      await s3cmd.removeBucket('s3://foobar');
      expect(await s3cmd.ok('ls')).toBe('');
      expect(server.logs()).not.toContain(MASTER_KEY.secretAccessKey);
    } finally {
      await server.stop();
    }
  });
});
