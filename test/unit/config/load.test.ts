// loadConfig and defaultConfig: the original's files, the defaults, the store that is meant, paths, freezing.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, defaultConfig, loadConfig } from '../../../src/config/index.js';
import { cassandraText, FIXTURES, KEYSTORE, load, reasonsOf, standardOf } from './helpers.js';

describe('files of the original Pithos', () => {
  it('loads the quickstart shape, with warnings for what has no use here', () => {
    const config = loadConfig({ path: join(FIXTURES, 'quickstart.yaml.txt') });
    expect(config.service).toEqual({
      host: '0.0.0.0',
      port: 8080,
      workers: 'auto',
      trustedProxies: [],
      drainTimeoutMs: 25_000,
      drainDelayMs: 0,
    });
    expect(config.logging.overrides).toEqual({ 'io.pithos': 'debug' });
    expect(config.options.serviceUri).toEqual(['storage.example.org']);
    expect(config.options.defaultRegion).toBe('alps');
    expect(Object.keys(config.keystore.keys)).toEqual(['QUICKSTARTKEY000001', 'QUICKSTARTKEY000002']);
    expect(config.keystore.keys['QUICKSTARTKEY000001']).toEqual({
      master: true,
      tenant: 'first@example.org',
      secret: 'first/secret+of-the-test',
      memberof: [],
    });
    expect(standardOf(config)).toMatchObject({ contactPoints: ['localhost:9042'], keyspace: 'objects', repfactor: 1 });
    // 128k x 1024 would be 128 MiB in one partition.
    expect(standardOf(config)).toMatchObject({ maxChunkBytes: 131_072, maxBlockChunks: 512 });
    expect(config.warnings.map(({ line, key }) => ({ line, key }))).toEqual([
      { line: 40, key: 'regions.alps.storage-classes.standard.max-block-chunk' },
      { line: 41, key: 'cassandra' },
    ]);
  });

  it('loads the container shape', () => {
    const config = loadConfig({ path: join(FIXTURES, 'container.yaml.txt') });
    expect(config.logging.files).toEqual(['/var/log/objects.log']);
    expect(config.keystore.keys['CONTAINERKEY00000002']).toEqual({
      master: false,
      tenant: 'customer',
      secret: 'third/secret+of-the-test',
      memberof: [],
    });
    expect(config.options).toMatchObject({
      reporting: true,
      serverSideEncryption: true,
      multipartUpload: true,
      masterkeyProvisioning: true,
      masterkeyAccess: true,
      defaultRegion: 'CH-ZRH-1',
    });
    expect(standardOf(config).maxBlockChunks).toBe(512);
    expect(config.warnings).toHaveLength(1);
  });

  it('accepts the documented settings that have no use here, each with a warning at its line', () => {
    const text = cassandraText({
      target: '  use: io.pithos.bucket/cassandra-bucket-store\n  hints: {replication: {class: SimpleStrategy}}',
      extra: [
        'reporters: [{level: info}]',
        'sentry: {dsn: x}',
        'logging: {pattern: "%p", external: true, json: true, files: [{path: /a.log, json: true}, b.log]}',
      ].join('\n'),
    });
    const config = load(text);
    expect(config.warnings.map(({ key }) => key).sort()).toEqual([
      'bucketstore.hints',
      'bucketstore.use',
      'logging.external',
      'logging.files[0].json',
      'logging.json',
      'logging.pattern',
      'reporters',
      'sentry',
    ]);
    expect(config.logging.files).toEqual(['/a.log', '/srv/pithos/b.log']);
  });

  it('refuses a file that chose an implementation of its own', () => {
    expect(reasonsOf('keystore: {use: com.example/http, keys: {A: {tenant: t, secret: s}}}')).toEqual([
      'keystore.use: names an implementation that does not exist here; only the defaults of the original can be given',
    ]);
  });
});

describe('defaultConfig', () => {
  it('is the embedded store on loopback with the example keys', () => {
    const config = defaultConfig({ workingDirectory: '/srv/pithos' });
    expect(config.file).toBeNull();
    expect(config.service).toEqual({
      host: '127.0.0.1',
      port: 8080,
      workers: 'auto',
      trustedProxies: [],
      drainTimeoutMs: 25_000,
      drainDelayMs: 0,
    });
    expect(config.store).toMatchObject({ kind: 'embedded', dataDir: '/srv/pithos/data' });
    expect(config.options.dataDir).toBe('/srv/pithos/data');
    expect(config.options.defaultRegion).toBe('us-east-1');
    expect(config.options.serviceUri).toContain('s3.example.com');
    expect(config.keystore.keys['AKIAIOSFODNN7EXAMPLE']).toMatchObject({
      tenant: 'test@example.com',
      secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    });
    expect(config.usesExampleKeys).toBe(true);
    expect(config.warnings).toEqual([]);
  });

  it('is what loadConfig answers without a file', () => {
    expect(loadConfig({ path: null, workingDirectory: '/srv' })).toEqual(defaultConfig({ workingDirectory: '/srv' }));
  });
});

describe('a keystore alone', () => {
  it('is a whole configuration', () => {
    const config = load(KEYSTORE);
    expect(config.store).toMatchObject({ kind: 'embedded', dataDir: '/srv/pithos/data' });
    expect(config.usesExampleKeys).toBe(false);
    expect(config.logging).toEqual({ level: 'info', console: true, files: [], overrides: {} });
    expect(config.options.maxSkewMs).toBe(900_000);
    expect(config.options.bucketCacheTtlMs).toBe(500);
    expect(config.gc.graceMs).toBe(3_600_000);
    expect(config.limits.maxBufferMemoryBytes).toBe(134_217_728);
    expect(config.limits.inlineThresholdBytes).toBe(32_768);
    expect(config.encryption).toEqual({
      masterKey: null,
      previousKeys: [],
      kmsKeys: [],
      kmsDefaultKey: null,
      customerKeysRequireTls: false,
    });
  });

  it('is needed: a file never gets the example keys by leaving it out', () => {
    expect(reasonsOf('service: {port: 80}')).toEqual(['keystore: is needed and not given']);
    expect(reasonsOf('')).toEqual(['keystore: is needed and not given']);
    expect(reasonsOf('keystore: {keys: {}}')).toEqual(['keystore.keys: must name at least one access key']);
  });

  it('is flagged when any of its secrets is a published one', () => {
    expect(
      load("keystore: {keys: {MINE: {tenant: t, secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'}}}").usesExampleKeys,
    ).toBe(true);
  });

  it('finds nothing under the names of Object.prototype', () => {
    const { keys } = load(KEYSTORE).keystore;
    expect(keys['constructor']).toBeUndefined();
    expect(keys['__proto__']).toBeUndefined();
  });
});

describe('the store that is meant', () => {
  it('takes the only region as the default one', () => {
    expect(load(cassandraText()).options.defaultRegion).toBe('alps');
  });

  it('refuses bucketstore without regions, and regions without bucketstore', () => {
    expect(reasonsOf(`${KEYSTORE}\nbucketstore: {cluster: ring, keyspace: storage}`)).toEqual([
      'bucketstore: needs a section regions beside it; leave out both to use the embedded store',
    ]);
    const withoutBucketstore = cassandraText().replace(/bucketstore:[^]*(?=regions:)/, '');
    expect(reasonsOf(withoutBucketstore)).toEqual([
      'regions: needs a section bucketstore beside it; leave out both to use the embedded store',
    ]);
  });

  it('refuses an empty map of regions', () => {
    expect(reasonsOf(`${KEYSTORE}\nbucketstore: {cluster: ring, keyspace: storage}\nregions: {}`)).toEqual([
      'regions: must name at least one region',
    ]);
  });

  it('refuses a default region that no section describes, with the nearest name', () => {
    expect(reasonsOf(cassandraText({ extra: 'options: {default-region: alpes}' }))).toEqual([
      "options.default-region: no section regions.alpes describes this region (did you mean 'alps'?)",
    ]);
  });

  it('refuses two default regions that differ', () => {
    const text = cassandraText({ target: '  default-region: alps', extra: 'options: {default-region: jura}' });
    expect(reasonsOf(text)).toContain(
      "bucketstore.default-region: says 'alps', but options.default-region says 'jura': keep one, or make them agree",
    );
  });

  it('wants the default region named when there are several', () => {
    const text = `${cassandraText()}\n  jura:\n    metastore: {cluster: b, keyspace: s}\n    storage-classes: {standard: {cluster: b, keyspace: s}}`;
    expect(reasonsOf(text)).toEqual([
      'options.default-region: is needed, because there are several regions: alps, jura',
    ]);
    expect(load(`${text}\noptions: {default-region: jura}`).options.defaultRegion).toBe('jura');
  });
});

describe('paths', () => {
  it('count from the folder of the file', () => {
    const options = {
      path: 'conf/pithos.yaml',
      workingDirectory: '/srv',
      text: `${KEYSTORE}\noptions: {data-dir: ./objects}`,
    };
    expect(loadConfig(options).store).toMatchObject({ kind: 'embedded', dataDir: '/srv/conf/objects' });
    expect(loadConfig({ ...options, text: KEYSTORE }).options.dataDir).toBe('/srv/data');
  });

  it('gives storage classes of the embedded store folders of their own', () => {
    const classes = (options: string) => {
      const { store } = load(`${KEYSTORE}\noptions: {data-dir: /data, ${options}}`);
      return store.kind === 'embedded' ? store.storageClasses : null;
    };
    expect(Object.keys(classes('') ?? {})).toContain('STANDARD_IA');
    expect(classes('storage-classes: {standard-ia: /cold, glacier: tapes}')).toEqual({
      STANDARD: null,
      STANDARD_IA: '/cold',
      GLACIER: '/srv/pithos/tapes',
    });
    expect(reasonsOf(`${KEYSTORE}\noptions: {storage-classes: {'a b': /cold}}`)).toEqual([
      'options.storage-classes.a b: must be a storage class such as standard or standard-ia: letters, digits, hyphens and underscores',
    ]);
    expect(reasonsOf(`${cassandraText()}\noptions: {storage-classes: {cold: /cold}}`)).toEqual([
      'options.storage-classes: is of the embedded store: with Cassandra each region has its own storage-classes',
    ]);
  });

  it('names files that cannot be read', () => {
    const text = `${KEYSTORE}\nservice: {tls: {cert-file: none.crt, key-file: none.key}}`;
    expect(reasonsOf(text)).toEqual([
      'service.tls.cert-file: cannot read /srv/pithos/none.crt (no such file)',
      'service.tls.key-file: cannot read /srv/pithos/none.key (no such file)',
    ]);
  });

  it('reports a configuration file that is not there', () => {
    const attempt = () => loadConfig({ path: 'missing.yaml', workingDirectory: FIXTURES });
    expect(attempt).toThrow(ConfigError);
    expect(attempt).toThrow('missing.yaml: cannot be read (no such file)');
  });

  it('reads certificates that are there', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pithos-config-'));
    try {
      for (const name of ['a.crt', 'a.key']) writeFileSync(join(folder, name), 'x');
      const text = `${KEYSTORE}\nservice: {tls: {cert-file: a.crt, key-file: a.key, min-version: 1.3}}`;
      expect(loadConfig({ path: join(folder, 'pithos.yaml'), text }).service.tls).toEqual({
        certFile: join(folder, 'a.crt'),
        keyFile: join(folder, 'a.key'),
        minVersion: 'TLSv1.3',
        reloadIntervalMs: 60_000,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the result', () => {
  it('is frozen to its depth', () => {
    const config = load(cassandraText({ extra: 'options: {default-cors: [{origins: "*", methods: get}]}' }));
    const unfrozen: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      if (!Object.isFrozen(value)) unfrozen.push(path);
      for (const [name, inner] of Object.entries(value)) visit(inner, `${path}.${name}`);
    };
    visit(config, 'config');
    expect(unfrozen).toEqual([]);
    expect(() => Object.assign(config.service, { port: 1 })).toThrow(TypeError);
  });
});
