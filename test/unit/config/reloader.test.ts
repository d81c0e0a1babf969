import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/index.js';
import { ConfigReloader } from '../../../src/config/index.js';
import { changesBetween, settingsOf } from '../../../src/config/reloader.js';
import { KEYSTORE } from './helpers.js';

describe('changes of a file', () => {
  const changes = (before: string, after: string) => changesBetween(settingsOf(before, {}), settingsOf(after, {}));

  it('are told by the keys of the file', () => {
    const before =
      'service: {port: 1, trusted-proxies: [10.0.0.1]}\nlimits: {rate-limit: {per-address: 5}}\nlogging: {level: info}';
    const after =
      'service: {port: 2, trusted-proxies: [10.0.0.1, 10.0.0.2]}\nlimits: {max-requests: 7}\nlogging: {level: info}';
    expect(changes(before, after)).toEqual({
      applied: ['limits.max-requests', 'limits.rate-limit.per-address', 'service.trusted-proxies[1]'],
      needRestart: ['service.port'],
    });
  });

  it('are of values, not of how they are written', () => {
    expect(changes('a: {b: 1} # one', '# two\na:\n  b: "1"')).toEqual({ applied: [], needRestart: [] });
    const env = settingsOf('a: ${X}', { X: '1' });
    expect(changesBetween(env, settingsOf('a: 1', {}))).toEqual({ applied: [], needRestart: [] });
  });
});

describe('ConfigReloader', () => {
  let dir = '';
  let path = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'pithos-reload-'));
    path = join(dir, 'pithos.yaml');
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const open = (text: string) => {
    writeFileSync(path, text);
    const applied: Config[] = [];
    const lines: [string, object, string][] = [];
    const line = (level: string) => (fields: object, message: string) => {
      lines.push([level, fields, message]);
    };
    const log = { info: line('info'), warn: line('warn'), error: line('error') };
    return {
      reloader: new ConfigReloader({ path, env: {}, apply: (config) => applied.push(config), log }),
      applied,
      lines,
    };
  };

  it('obeys what is right and names what needs a restart, as long as it differs from the start', () => {
    const { reloader, applied, lines } = open(KEYSTORE);
    writeFileSync(path, `${KEYSTORE}\nservice: {port: 9000}\nlimits: {max-requests: 9}`);
    reloader.reload();
    expect(applied[0]?.limits.maxRequests).toBe(9);
    expect(lines.map(([level, fields]) => [level, fields])).toMatchObject([
      ['info', { changed: ['limits.max-requests'] }],
      ['warn', { settings: ['service.port'] }],
    ]);
    lines.length = 0;
    reloader.reload();
    expect(lines.map(([level, fields]) => [level, fields])).toMatchObject([
      ['info', { changed: [] }],
      ['warn', { settings: ['service.port'] }],
    ]);
    lines.length = 0;
    writeFileSync(path, KEYSTORE);
    reloader.reload();
    expect(lines.map(([level, fields]) => [level, fields])).toMatchObject([
      ['info', { changed: ['limits.max-requests'] }],
    ]);
  });

  it('changes nothing for a file with faults, and tells all of them', () => {
    const { reloader, applied, lines } = open(KEYSTORE);
    writeFileSync(path, 'limits: {max-requests: none, nonsense: 1}\nkeystore: {keys: {}}');
    reloader.reload();
    rmSync(path);
    reloader.reload();
    expect(applied).toEqual([]);
    const [wrong, gone] = lines;
    expect(wrong?.[0]).toBe('error');
    const { faults } = wrong?.[1] as { faults: string[] };
    for (const key of ['limits.max-requests', 'limits.nonsense', 'keystore.keys'])
      expect(faults.join('\n')).toContain(key);
    expect(JSON.stringify(gone?.[1])).toContain('cannot be read');
  });

  it('sees a file that has changed', async () => {
    const { reloader } = open(KEYSTORE);
    let seen = 0;
    reloader.watch(5, () => {
      seen++;
      reloader.reload();
    });
    writeFileSync(path, `${KEYSTORE}\nlimits: {max-requests: 9}`);
    await expect.poll(() => seen).toBe(1);
    reloader.stop();
  });
});
