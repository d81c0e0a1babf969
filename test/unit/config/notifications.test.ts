// The section notifications: targets of both kinds, and what is wrong with them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeConfig } from '../../../src/config/index.js';
import { faultsOf, KEYSTORE, load, reasonsOf } from './helpers.js';

const withTargets = (targets: string) => `${KEYSTORE}\nnotifications: {targets: ${targets}}`;
const targetsOf = (targets: string) => ({ ...load(withTargets(targets)).notifications.targets });

describe('notifications', () => {
  it('has no targets by default, and a day of patience', () => {
    const { targets, ...rest } = load(KEYSTORE).notifications;
    expect({ ...targets }).toEqual({});
    expect(rest).toEqual({ pollIntervalMs: 1000, maxAgeMs: 86_400_000, maxRetryIntervalMs: 60_000 });
  });

  it('reads webhooks', () => {
    expect(targetsOf(`{a: {type: webhook, url: 'https://x.example/s3?k=v'}}`)).toEqual({
      a: { type: 'webhook', url: 'https://x.example/s3?k=v', timeoutMs: 10_000, concurrency: 8 },
    });
    const full = `{a: {type: webhook, url: 'http://x:8', bearer-token: t, signing-secret: s, timeout: 3s, concurrency: 2}}`;
    expect(targetsOf(full)).toEqual({
      a: {
        type: 'webhook',
        url: 'http://x:8',
        authorization: 'Bearer t',
        signingSecret: 's',
        timeoutMs: 3000,
        concurrency: 2,
      },
    });
  });

  it('reads NATS servers', () => {
    const dir = mkdtempSync(join(tmpdir(), 'pithos-config-'));
    const file = join(dir, 'file');
    writeFileSync(file, 'x');
    try {
      expect(targetsOf(`{a: {type: nats, servers: 'n1:4222', subject: s3.events}}`)).toEqual({
        a: { type: 'nats', servers: ['n1:4222'], subject: 's3.events', timeoutMs: 10_000, concurrency: 8 },
      });
      const full = `{a: {type: nats, servers: ['nats://n1:4222', 'tls://n2'], subject: s, stream: S, username: u, password: p, tls: {ca-file: '${file}'}}}`;
      expect(targetsOf(full)['a']).toMatchObject({
        servers: ['nats://n1:4222', 'tls://n2'],
        stream: 'S',
        username: 'u',
        password: 'p',
        tls: { caFile: file, verify: true },
      });
      const creds = `{a: {type: nats, servers: n, subject: s, credentials-file: '${file}', tls: true}}`;
      expect(targetsOf(creds)['a']).toMatchObject({ credentialsFile: file, tls: { verify: true } });
      expect(targetsOf('{a: {type: nats, servers: n, subject: s, tls: no}}')['a']).not.toHaveProperty('tls');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it.each([
    ['{a: {url: http://x}}', 'notifications.targets.a.type: is needed and not given'],
    ['{a: {type: sqs}}', 'notifications.targets.a.type: must be one of webhook, nats'],
    ['{a: hook}', 'notifications.targets.a: must be a map of settings'],
    ['{a: {type: webhook}}', 'notifications.targets.a.url: is needed and not given'],
    [
      '{a: {type: webhook, url: ftp://x}}',
      'notifications.targets.a.url: must be a URL such as https://events.example.com/s3',
    ],
    [
      `{a: {type: webhook, url: 'http://u:p@x'}}`,
      'notifications.targets.a.url: must not hold a user or a password: there are settings of their own for them',
    ],
    [
      '{a: {type: webhook, url: http://x, authorization: a, bearer-token: b}}',
      'notifications.targets.a.bearer-token: means the same as authorization: keep one',
    ],
    ['{a: {type: webhook, url: http://x, subject: s}}', 'notifications.targets.a.subject: is not a known setting'],
    [
      `{'a b': {type: webhook, url: http://x}}`,
      'notifications.targets.a b: must be 1 to 80 letters, digits, dots, hyphens and underscores',
    ],
    ['{a: {type: nats, subject: s}}', 'notifications.targets.a.servers: is needed and not given'],
    ['{a: {type: nats, servers: [], subject: s}}', 'notifications.targets.a.servers: must name at least one server'],
    [
      `{a: {type: nats, servers: n, subject: 's.>'}}`,
      "notifications.targets.a.subject: must be a NATS subject such as 's3.events', without wildcards",
    ],
    [
      '{a: {type: nats, servers: n, subject: s, username: u}}',
      'notifications.targets.a.password: is needed: username and password go together',
    ],
    [
      '{a: {type: nats, servers: n, subject: s, token: t, username: u, password: p}}',
      'notifications.targets.a: has more than one of username, token and credentials-file: keep one',
    ],
    [
      '{a: {type: nats, servers: http://n, subject: s}}',
      'notifications.targets.a.servers: must be a URL such as nats://nats.example.com:4222',
    ],
  ])('refuses %s', (targets, reason) => {
    expect(reasonsOf(withTargets(targets))).toEqual([reason]);
  });

  it('names file and line', () => {
    const text = `${KEYSTORE}\nnotifications:\n  targets:\n    a: {type: webhook, url: nothing}`;
    expect(faultsOf(text)[0]).toMatchObject({ file: 'pithos.yaml', line: text.split('\n').length });
  });

  it('shows no secret', () => {
    const targets =
      '{a: {type: webhook, url: http://x, bearer-token: hush-1, signing-secret: hush-2}, b: {type: nats, servers: n, subject: s, username: u, password: hush-3}, c: {type: nats, servers: n, subject: s, token: hush-4}}';
    const shown = describeConfig(load(withTargets(targets)));
    expect(shown).not.toContain('hush');
    expect(shown).toContain('http://x');
  });
});
