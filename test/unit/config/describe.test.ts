// describeConfig shows everything but secrets.
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { describeConfig, redactConfig } from '../../../src/config/index.js';
import { cassandraText, load } from './helpers.js';

const MASTER_KEY = 'ab'.repeat(32);
const config = load(
  cassandraText({
    target: '  username: gateway\n  password: cassandra-password',
    storageClass: '        username: gateway\n        password: blob-password',
    extra: `encryption: {master-key: ${MASTER_KEY}, master-key-id: k1, previous-keys: [{id: k0, key: ${'cd'.repeat(32)}}], kms-keys: {pay: ${'ef'.repeat(32)}}}`,
  }),
);
const text = describeConfig(config);

describe('describeConfig', () => {
  it('holds no secret in any form', () => {
    const key = Buffer.from(MASTER_KEY, 'hex');
    const secrets = [
      'sssh/very+secret',
      'cassandra-password',
      'blob-password',
      MASTER_KEY,
      key.toString('base64'),
      'cdcd',
      'efef',
      Buffer.alloc(32, 0xef).toString('base64'),
    ];
    for (const secret of secrets) {
      expect(text).not.toContain(secret);
      expect(JSON.stringify(redactConfig(config))).not.toContain(secret);
    }
  });

  it('is YAML of the settings with their defaults', () => {
    expect(parse(text)).toMatchObject({
      service: { host: '127.0.0.1', port: 8080 },
      keystore: { keys: { AKTESTTESTTEST000001: { tenant: 'tester', secret: '(hidden)' } } },
      store: {
        kind: 'cassandra',
        bucketstore: { username: 'gateway', password: '(hidden)' },
        regions: { alps: { storageClasses: { STANDARD: { password: '(hidden)', maxBlockChunks: 32 } } } },
      },
      encryption: {
        masterKey: { id: 'k1', key: '(hidden)' },
        previousKeys: [{ id: 'k0', key: '(hidden)' }],
        kmsKeys: [{ id: 'pay', versions: ['(hidden)'] }],
      },
    });
  });

  it('leaves the configuration as it was', () => {
    expect(config.keystore.keys['AKTESTTESTTEST000001']?.secret).toBe('sssh/very+secret');
  });
});
