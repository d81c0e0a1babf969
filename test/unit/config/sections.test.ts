// The sections one by one: what their values may be and what becomes of them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/index.js';
import { cassandraText, KEYSTORE, load, reasonsOf, standardOf } from './helpers.js';

describe('service.trusted-proxies', () => {
  it('are addresses and ranges', () => {
    const proxies = (value: string) => load(`${KEYSTORE}\nservice: {trusted-proxies: ${value}}`).service.trustedProxies;
    expect(proxies("[10.0.0.0/8, '2001:db8::/32', 192.0.2.1]")).toEqual(['10.0.0.0/8', '2001:db8::/32', '192.0.2.1']);
    for (const wrong of ['proxy.example.com', '10.0.0.0/33', "'2001:db8::/129'", '10.0.0/8', '10.0.0.0/'])
      expect(reasonsOf(`${KEYSTORE}\nservice: {trusted-proxies: ${wrong}}`), wrong).toEqual([
        'service.trusted-proxies: must be an address or a range such as 10.0.0.0/8 or 2001:db8::/32',
      ]);
  });
});

describe('service.workers', () => {
  it.each([
    ['', 'auto'],
    ['workers: auto', 'auto'],
    ['workers: 3', 3],
  ])('{%s} means %s', (text, workers) => {
    expect(load(`${KEYSTORE}\nservice: {${text}}`).service.workers).toBe(workers);
  });

  it.each(['0', '257', 'many'])('refuses %s', (text) => {
    expect(reasonsOf(`${KEYSTORE}\nservice: {workers: ${text}}`)).toEqual([
      'service.workers: must be a whole number from 1 to 256, or auto',
    ]);
  });
});

describe('logging', () => {
  it('knows the levels of the original', () => {
    const { logging } = load(`${KEYSTORE}\nlogging: {level: WARNING, console: no, overrides: {a.b: off, c: all}}`);
    expect(logging).toEqual({
      level: 'warn',
      console: false,
      files: [],
      overrides: { 'a.b': 'silent', c: 'trace' },
    });
  });
});

describe('options', () => {
  it('takes one service URI or several, as host names', () => {
    const uris = (value: string) => load(`${KEYSTORE}\noptions: {service-uri: ${value}}`).options.serviceUri;
    expect(uris('S3.Example.COM.')).toEqual(['s3.example.com']);
    expect(uris('[a.example, b.example]')).toEqual(['a.example', 'b.example']);
    expect(reasonsOf(`${KEYSTORE}\noptions: {service-uri: 'http://s3.example.com/'}`)).toEqual([
      'options.service-uri: must be a host name such as s3.example.com, without a scheme or a path',
    ]);
  });

  it('drops a port from a service URI with a warning', () => {
    const config = load(`${KEYSTORE}\noptions: {service-uri: 'localhost:8080'}`);
    expect(config.options.serviceUri).toEqual(['localhost']);
    expect(config.warnings.map(({ key }) => key)).toEqual(['options.service-uri']);
  });

  it("takes website URIs that are not the API's", () => {
    const uris = (value: string) => load(`${KEYSTORE}\noptions: {website-uri: ${value}}`).options.websiteUri;
    expect(uris('Site.Example.com')).toEqual(['site.example.com']);
    expect(uris('[]')).toEqual([]);
    expect(load(KEYSTORE).options).toMatchObject({
      websiteUri: ['s3-website.localhost'],
      websiteCustomDomains: false,
    });
    expect(reasonsOf(`${KEYSTORE}\noptions: {service-uri: [a.example, b.example], website-uri: b.example}`)).toEqual([
      'options.website-uri: b.example is a service-uri too: buckets need another name for their websites than for the API',
    ]);
  });

  it('reads default CORS rules', () => {
    const text = `${KEYSTORE}
options:
  default-cors:
    - {origins: ['https://a.example', 'https://*.b.example'], methods: [get, PUT], headers: '*', exposed: [ETag], max-age: 60}
    - {origins: '*', methods: head}
`;
    expect(load(text).options.defaultCors).toEqual([
      {
        origins: ['https://a.example', 'https://*.b.example'],
        methods: ['GET', 'PUT'],
        headers: ['*'],
        exposed: ['ETag'],
        maxAgeSeconds: 60,
      },
      { origins: ['*'], methods: ['HEAD'], headers: [], exposed: [] },
    ]);
  });
});

describe('keystore', () => {
  it('keeps numbers as they are written and takes one group or several', () => {
    const { keys } = load(
      'keystore: {keys: {0123: {tenant: 007, secret: 1e5, memberof: staff, display-name: A B, email: a@b.example}, X: {tenant: t, secret: s, memberof: [a, b]}}}',
    ).keystore;
    expect(keys['0123']).toEqual({
      master: false,
      tenant: '007',
      secret: '1e5',
      memberof: ['staff'],
      displayName: 'A B',
      email: 'a@b.example',
    });
    expect(keys['X']?.memberof).toEqual(['a', 'b']);
  });
});

describe('a Cassandra target', () => {
  const target = (text: string) => standardOf(load(cassandraText({ storageClass: text })));

  it('has defaults for all but cluster and keyspace', () => {
    expect(target('')).toEqual({
      contactPoints: ['ring:9042'],
      port: 9042,
      keyspace: 'storage',
      repfactor: 1,
      readConsistency: 'local-quorum',
      writeConsistency: 'local-quorum',
      serialConsistency: 'local-serial',
      requestTimeoutMs: 12_000,
      connectTimeoutMs: 5_000,
      maxChunkBytes: 524_288,
      maxBlockChunks: 32,
    });
  });

  it('reads everything', () => {
    const text = `
        username: u
        password: p
        port: 9142
        local-datacenter: dc1
        repfactor: {dc1: 3, dc2: 2}
        read-consistency: quorum
        write-consistency: EACH_QUORUM
        serial-consistency: serial
        tls: true
        request-timeout: 3s
        max-chunk: 1m
        max-block-chunks: 8`;
    expect(target(text)).toEqual({
      contactPoints: ['ring:9142'],
      port: 9142,
      keyspace: 'storage',
      username: 'u',
      password: 'p',
      localDatacenter: 'dc1',
      repfactor: { dc1: 3, dc2: 2 },
      readConsistency: 'quorum',
      writeConsistency: 'each-quorum',
      serialConsistency: 'serial',
      tls: { verify: true },
      requestTimeoutMs: 3_000,
      connectTimeoutMs: 5_000,
      maxChunkBytes: 1_048_576,
      maxBlockChunks: 8,
    });
  });

  it.each([
    ['cassandra', ['cassandra:9042']],
    ["'a, b:9043 ,c'", ['a:9042', 'b:9043', 'c:9042']],
    ['[a, 10.0.0.1]', ['a:9042', '10.0.0.1:9042']],
    ["['::1', '[2001:db8::2]', '[2001:db8::3]:9143']", ['[::1]:9042', '[2001:db8::2]:9042', '[2001:db8::3]:9143']],
    ['[a, a:9042]', ['a:9042']],
    ['dns+srv://_cql._tcp.cassandra, b', ['dns+srv://_cql._tcp.cassandra', 'b:9042']],
    ["'dns+srv://_cql._tcp.ring.example.'", ['dns+srv://_cql._tcp.ring.example.']],
  ])('finds contact points in %s', (cluster, expected) => {
    const text = cassandraText().replaceAll('cluster: ring\n', `cluster: ${cluster}\n`);
    expect(standardOf(load(text)).contactPoints).toEqual(expected);
  });

  it('takes the DNS servers that are asked for contact points', () => {
    expect(target("\n        dns-servers: '10.96.0.10, [fd00::a]:5353'").dnsServers).toEqual([
      '10.96.0.10:53',
      '[fd00::a]:5353',
    ]);
    expect(target("\n        dns-servers: ['127.0.0.1:5353']").dnsServers).toEqual(['127.0.0.1:5353']);
  });

  it.each(['dns.example', "'10.0.0.1:70000'", "'dns+srv://_dns._udp.example'", '[]'])(
    'refuses the DNS server %s',
    (text) => {
      const whole = cassandraText({ storageClass: `\n        dns-servers: ${text}` });
      expect(reasonsOf(whole)).toEqual([expect.stringMatching(/\.dns-servers: /)]);
    },
  );

  it.each([
    "'http://a'",
    "'dns+srv://'",
    "'dns+srv://a:9042'",
    "'srv://a'",
    "'a,,b'",
    "'a:70000'",
    "'[nonsense]:1'",
    "'a b'",
    '[]',
    'a:0',
  ])('refuses the cluster %s', (cluster) => {
    const text = cassandraText().replace('cluster: ring\n', `cluster: ${cluster}\n`);
    expect(reasonsOf(text)).toEqual([expect.stringMatching(/^bucketstore\.cluster: /)]);
  });

  it.each([
    ['keyspace: 9lives', 'keyspace: must be a letter followed by up to 47 letters, digits and underscores'],
    ['read-consistency: any', 'read-consistency: must be one of one, two, three, quorum, all, local-quorum, local-one'],
    ['write-consistency: each-quroum', "(did you mean 'each-quorum'?)"],
    ['username: u', 'username: needs password beside it'],
    ['password: p', 'password: needs username beside it'],
    ['repfactor: 0', 'repfactor: must be a whole number from 1 to 100'],
    ['repfactor: {}', 'repfactor: must name at least one data centre'],
    ['repfactor: {dc1: three}', 'repfactor.dc1: must be a whole number from 1 to 100'],
    [
      'request-timeout: soon',
      "request-timeout: must be a duration such as '500ms', '30s', '5m', '1h' or a number of milliseconds",
    ],
  ])('refuses %s', (line, reason) => {
    const text = cassandraText({ target: `  ${line}` }).replace(
      line.startsWith('keyspace') ? '  keyspace: storage\n' : '\0',
      '',
    );
    expect(reasonsOf(text)).toEqual([expect.stringContaining(reason)]);
    expect(reasonsOf(text)).toEqual([expect.stringMatching(/^bucketstore\./)]);
  });

  it('warns of reads that may miss writes, when there are copies to miss', () => {
    const warnings = (text: string) => load(cassandraText({ target: text })).warnings.map(({ key }) => key);
    expect(warnings('  repfactor: 3\n  read-consistency: one')).toEqual(['bucketstore']);
    expect(warnings('  repfactor: 3\n  read-consistency: one\n  write-consistency: all')).toEqual([]);
    expect(warnings('  read-consistency: one')).toEqual([]);
  });

  it('can be written once and merged', () => {
    const text = `${KEYSTORE}
bucketstore: &ring {cluster: ring, keyspace: storage, repfactor: 3}
regions:
  alps:
    metastore: *ring
    storage-classes:
      standard: {<<: *ring, keyspace: blobs, max-chunk: 64k}
`;
    expect(standardOf(load(text))).toMatchObject({
      repfactor: 3,
      keyspace: 'blobs',
      maxChunkBytes: 65_536,
      maxBlockChunks: 256,
    });
  });
});

describe('blocks', () => {
  const blob = (chunk: string, chunks: string) =>
    load(cassandraText({ storageClass: `        max-chunk: ${chunk}\n        max-block-chunks: ${chunks}` }));

  it('take at most 64 MiB, with a warning for what is cut', () => {
    const exact = blob('128k', '512');
    expect(exact.warnings).toEqual([]);
    expect(standardOf(exact).maxBlockChunks).toBe(512);
    const cut = blob('128k', '513');
    expect(standardOf(cut).maxBlockChunks).toBe(512);
    expect(cut.warnings).toEqual([
      {
        file: 'pithos.yaml',
        line: expect.any(Number) as number,
        key: 'regions.alps.storage-classes.standard.max-block-chunks',
        reason: '513 chunks of 128k make a block of more than 64m, too large a partition: 512 chunks are used',
      },
    ]);
  });

  it.each(['4095', '8388609', '9 MiB', 'big'])('refuse chunks of %s', (chunk) => {
    expect(reasonsOf(cassandraText({ storageClass: `        max-chunk: ${chunk}` }))).toEqual([
      expect.stringMatching(/^regions\.alps\.storage-classes\.standard\.max-chunk: must be a size/),
    ]);
  });
});

describe('consistency of new buckets', () => {
  const withConsistency = (line: string) => `${KEYSTORE}
bucketstore: {cluster: ring, keyspace: storage}
regions:
  alps:
    metastore: {cluster: ring, keyspace: storage${line}}
    storage-classes: {standard: {cluster: ring, keyspace: storage}}`;

  it('belongs to a metastore, and is linearizable unless it says otherwise', () => {
    const consistencyOf = (line: string) => {
      const { store } = load(withConsistency(line));
      return store.kind === 'cassandra' ? store.regions['alps']?.metastore.consistency : null;
    };
    expect(consistencyOf('')).toBeUndefined();
    expect(consistencyOf(', consistency: quorum')).toBe('quorum');
    expect(consistencyOf(', consistency: linearizable')).toBe('linearizable');
  });

  it('is one of the two, and of no other target', () => {
    expect(reasonsOf(withConsistency(', consistency: eventual'))).toEqual([
      expect.stringMatching(/^regions\.alps\.metastore\.consistency: /),
    ]);
    const elsewhere = withConsistency('').replace('{cluster: ring', '{consistency: quorum, cluster: ring');
    expect(reasonsOf(elsewhere)).toEqual([expect.stringMatching(/^bucketstore\.consistency: /)]);
  });
});

describe('storage classes', () => {
  const withClasses = (classes: string) => `${KEYSTORE}
bucketstore: {cluster: ring, keyspace: storage}
regions: {alps: {metastore: {cluster: ring, keyspace: storage}, storage-classes: {${classes}}}}`;
  const target = '{cluster: ring, keyspace: storage}';

  it('have S3 names', () => {
    const { store } = load(withClasses(`standard: ${target}, standard-ia: ${target}, Cold_2: ${target}`));
    expect(store.kind === 'cassandra' && Object.keys(store.regions['alps']?.storageClasses ?? {})).toEqual([
      'STANDARD',
      'STANDARD_IA',
      'COLD_2',
    ]);
  });

  it('need a standard one, unlike names and good names', () => {
    expect(reasonsOf(withClasses(`cold: ${target}`))).toEqual([
      "regions.alps.storage-classes: must have a class 'standard', where objects go that ask for no other",
    ]);
    expect(reasonsOf(withClasses(`standard: ${target}, STANDARD: ${target}`))).toEqual([
      'regions.alps.storage-classes.STANDARD: is another spelling of STANDARD, which is also given: keep one',
    ]);
    expect(reasonsOf(withClasses(`standard: ${target}, 'a b': ${target}`))).toHaveLength(1);
  });
});

describe('encryption', () => {
  const base64 = Buffer.alloc(32, 0xab).toString('base64');
  const hex = 'ab'.repeat(32);

  it('takes a key in base64 or hex and names it alike', () => {
    const key = (value: string) => load(`${KEYSTORE}\nencryption: {master-key: '${value}'}`).encryption.masterKey;
    expect(key(base64)?.key).toEqual(Buffer.alloc(32, 0xab));
    expect(key(hex)).toEqual(key(base64));
    expect(key(base64)?.id).toMatch(/^[0-9a-f]{16}$/);
  });

  it('takes keys from files, as text or raw', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pithos-config-'));
    try {
      writeFileSync(join(folder, 'text.key'), `${base64}\n`);
      writeFileSync(join(folder, 'raw.key'), Buffer.alloc(32, 0x0a));
      writeFileSync(join(folder, 'short.key'), Buffer.alloc(31, 1));
      const from = (yaml: string) =>
        loadConfig({ path: join(folder, 'pithos.yaml'), text: `${KEYSTORE}\nencryption: ${yaml}` });
      const { encryption } = from(
        '{master-key-file: text.key, master-key-id: k2, previous-keys: [{id: k1, key-file: raw.key}]}',
      );
      expect(encryption).toEqual({
        masterKey: { id: 'k2', key: Buffer.alloc(32, 0xab) },
        previousKeys: [{ id: 'k1', key: Buffer.alloc(32, 0x0a) }],
        kmsKeys: [],
        kmsDefaultKey: null,
        customerKeysRequireTls: false,
      });
      expect(() => from('{master-key-file: short.key}')).toThrow('short.key must hold 32 random bytes');
      expect(() => from('{master-key-file: none.key}')).toThrow('no such file');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('takes KMS keys: short, or with what there is to say about them', () => {
    const { encryption } = load(`${KEYSTORE}
encryption:
  kms-default-key: alias/pay
  customer-keys-require-tls: true
  kms-keys:
    testkey-1: '${base64}'
    payroll:
      key: '${'cd'.repeat(32)}'
      enabled: false
      aliases: [alias/pay]
      previous-keys: ['${hex}', {key: '${'ef'.repeat(32)}'}]
    arn:aws:kms:alps:tester:key/far: '${hex}'
`);
    expect(encryption.kmsKeys).toEqual([
      { id: 'testkey-1', enabled: true, aliases: [], versions: [Buffer.alloc(32, 0xab)] },
      {
        id: 'payroll',
        enabled: false,
        aliases: ['alias/pay'],
        versions: [Buffer.alloc(32, 0xcd), Buffer.alloc(32, 0xab), Buffer.alloc(32, 0xef)],
      },
      { id: 'arn:aws:kms:alps:tester:key/far', enabled: true, aliases: [], versions: [Buffer.alloc(32, 0xab)] },
    ]);
    expect(encryption).toMatchObject({ kmsDefaultKey: 'alias/pay', customerKeysRequireTls: true });
  });

  it.each([
    ['{master-key: short}', 'encryption.master-key: must be 32 random bytes'],
    [`{master-key: '${Buffer.alloc(33).toString('base64')}'}`, 'encryption.master-key: must be 32 random bytes'],
    ['{master-key-id: k}', 'encryption.master-key-id: names a key that is not given'],
    ['{previous-keys: [{id: k}]}', 'encryption.previous-keys[0]: needs either key or key-file'],
    [`{master-key: '${hex}', previous-keys: [{key: '${hex}'}]}`, 'encryption.previous-keys: two keys have the same id'],
    ['{kms-keys: {k: short}}', 'encryption.kms-keys.k: must be 32 random bytes'],
    ['{kms-keys: {k: {enabled: true}}}', 'encryption.kms-keys.k: needs either key or key-file'],
    [`{kms-keys: {aws/s3: '${hex}'}}`, 'encryption.kms-keys.aws/s3: must be a KMS key id'],
    [`{kms-keys: {'a b': '${hex}'}}`, 'encryption.kms-keys.a b: must be a KMS key id'],
    [`{kms-keys: {k: {key: '${hex}', previous-keys: ['${base64}']}}}`, 'encryption.kms-keys.k: has the same key twice'],
    [`{kms-keys: {k: '${hex}', l: {key: '${hex}', aliases: k}}}`, "encryption.kms-keys: two keys have the name 'k'"],
    [
      `{kms-keys: {k: '${hex}', 'arn:aws:kms:alps:t:key/k': '${hex}'}}`,
      "encryption.kms-keys: two keys have the name 'k'",
    ],
    [`{kms-keys: {k: '${hex}'}, kms-default-key: l}`, "encryption.kms-default-key: 'l' is none of kms-keys"],
  ])('refuses %s', (yaml, reason) => {
    expect(reasonsOf(`${KEYSTORE}\nencryption: ${yaml}`)).toEqual([expect.stringContaining(reason)]);
  });
});

describe('limits and gc', () => {
  it('read what buckets and tenants may ask for', () => {
    const { limits } = load(`${KEYSTORE}
limits:
  max-requests: 100
  max-waiting-requests: 0
  per-bucket: {requests: 0.5, bytes-in: 10 MiB}
  per-tenant: {bytes-out: 0}
  tenants: {some.one@example.com: {requests: 0, bytes-out: 1g}}
`);
    expect(limits).toMatchObject({
      maxRequests: 100,
      maxWaitingRequests: 0,
      perBucket: { requestsPerSecond: 0.5, bytesInPerSecond: 10_485_760 },
      perTenant: { bytesOutPerSecond: 0 },
      tenants: { 'some.one@example.com': { requestsPerSecond: 0, bytesOutPerSecond: 1_073_741_824 } },
    });
    expect(reasonsOf(`${KEYSTORE}\nlimits: {per-bucket: {requests: -1, bytes-in: 100}}`)).toEqual([
      'limits.per-bucket.requests: must be a number above 0',
      'limits.per-bucket.bytes-in: must be at least 1k a second, or 0',
    ]);
  });

  it('refuse a grace shorter than the lease of an upload', () => {
    expect(reasonsOf(`${KEYSTORE}\ngc: {grace: 10s, intent-lease: 15s}`)).toEqual([
      expect.stringContaining('gc.grace: must be at least as long as intent-lease'),
    ]);
  });

  it('read sizes, durations and rates', () => {
    const config = load(`${KEYSTORE}
limits:
  inline-threshold: 0
  max-buffer-memory: 1g
  request-timeout: 1h
  headers-timeout: 2000
  max-connections: 0
  rate-limit: {per-access-key: 100, per-address: 0.5}
gc: {interval: 0, grace: 90s, intent-lease: 1s, lifecycle-interval: 0, lifecycle-day: 10s, inventory-interval: 2h, inventory-day: 20s}
`);
    expect(config.limits).toEqual({
      inlineThresholdBytes: 0,
      maxBufferMemoryBytes: 1_073_741_824,
      requestTimeoutMs: 3_600_000,
      headersTimeoutMs: 2_000,
      keepAliveTimeoutMs: 75_000,
      maxConnections: 0,
      bodyIdleTimeoutMs: 30_000,
      rateLimit: { perAccessKey: 100, perAddress: 0.5 },
      maxHeaderBytes: 65_536,
      maxRequestWaitMs: 10_000,
      maxVersionsPerKey: 10_000,
      maxBucketsPerTenant: 10_000,
      perBucket: {},
      perTenant: {},
      tenants: {},
    });
    expect(config.gc).toEqual({
      intervalMs: 0,
      graceMs: 90_000,
      intentLeaseMs: 1_000,
      lifecycleIntervalMs: 0,
      lifecycleDayMs: 10_000,
      inventoryIntervalMs: 7_200_000,
      inventoryDayMs: 20_000,
    });
  });

  it.each([
    ['gc: {grace: 999ms}', 'gc.grace'],
    ['gc: {grace: 0}', 'gc.grace'],
    ['gc: {lifecycle-day: 2d}', 'gc.lifecycle-day'],
    ['gc: {inventory-day: 2d}', 'gc.inventory-day'],
    ['limits: {max-buffer-memory: 1m}', 'limits.max-buffer-memory'],
    ['limits: {inline-threshold: 2m}', 'limits.inline-threshold'],
    ['limits: {rate-limit: {per-address: 0}}', 'limits.rate-limit.per-address'],
  ])('refuse %s', (extra, key) => {
    expect(reasonsOf(`${KEYSTORE}\n${extra}`)).toEqual([expect.stringContaining(`${key}: must be`)]);
  });
});
