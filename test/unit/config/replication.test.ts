// The section replication: servers elsewhere, and whose buckets may go there.
import { describe, expect, it } from 'vitest';
import { describeConfig } from '../../../src/config/index.js';
import { faultsOf, KEYSTORE, load } from './helpers.js';

const withTargets = (targets: string) => `${KEYSTORE}\nreplication: {targets: ${targets}}`;
const LEAST = "endpoint: 'https://s3.example', region: eu, access-key: A, secret: topsecret";

describe('replication', () => {
  it('has no targets by default, and two weeks of patience', () => {
    const { targets, ...rest } = load(KEYSTORE).replication;
    expect({ ...targets }).toEqual({});
    expect(rest).toEqual({
      concurrency: 4,
      pollIntervalMs: 1000,
      maxAgeMs: 14 * 86_400_000,
      maxRetryIntervalMs: 300_000,
    });
  });

  it('reads targets', () => {
    const { targets } = load(
      withTargets(`{a: {${LEAST}}, b: {${LEAST}, kind: s3, path-style: no, tenants: [t, u]}}`),
    ).replication;
    const least = {
      kind: 'pithos',
      endpoint: 'https://s3.example',
      region: 'eu',
      accessKey: 'A',
      secret: 'topsecret',
      pathStyle: true,
      timeoutMs: 30_000,
      concurrency: 4,
    };
    expect({ ...targets }).toEqual({ a: least, b: { ...least, kind: 's3', pathStyle: false, tenants: ['t', 'u'] } });
  });

  it('keeps secrets to itself', () => {
    const text = describeConfig(load(withTargets(`{a: {${LEAST}}}`)));
    expect(text).toContain('https://s3.example');
    expect(text).not.toContain('topsecret');
  });

  it.each([
    ['no endpoint', '{a: {region: eu, access-key: A, secret: S}}', 'replication.targets.a.endpoint'],
    ['another scheme', `{a: {${LEAST.replace('https', 'ftp')}}}`, 'replication.targets.a.endpoint'],
    [
      'credentials in the endpoint',
      `{a: {${LEAST.replace('s3.example', 'u:p@s3.example')}}}`,
      'replication.targets.a.endpoint',
    ],
    ['another kind', `{a: {${LEAST}, kind: swift}}`, 'replication.targets.a.kind'],
    ['an unknown setting', `{a: {${LEAST}, tenant: t}}`, 'replication.targets.a.tenant'],
  ])('refuses %s', (_what, targets, key) => {
    expect(faultsOf(withTargets(targets)).map((fault) => fault.key)).toContain(key);
  });
});

describe('notification targets', () => {
  it('may be kept for tenants', () => {
    const text = `${KEYSTORE}\nnotifications: {targets: {a: {type: webhook, url: 'http://x', tenants: [t]}}}`;
    expect(load(text).notifications.targets['a']?.tenants).toEqual(['t']);
  });
});
