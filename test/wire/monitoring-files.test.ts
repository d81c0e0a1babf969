// The dashboard and the alert rules fit the server: every metric and label that they use is there.
import { open, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { freePort } from '../cassandra/index.mjs';
import { spawnPithos } from '../support/server.js';
import type { PithosProcess } from '../support/server.js';
import { contentOf, KIB } from './helpers.js';
import { familiesOf, sampleOf, samplesOf } from './metrics.js';
import type { Home } from './servers.js';
import { bucketName, clientOf, makeHome } from './servers.js';

const FOLDER = fileURLToPath(new URL('../../k8s/monitoring', import.meta.url));

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly labels: { readonly severity: string };
      readonly annotations: { readonly summary: string; readonly description: string };
    }[];
  }[];
}

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly w: number };
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
}

/** What Prometheus itself adds to every sample, and what makes a histogram. */
const ADDED_LABELS = ['job', 'instance', 'le'];

describe('monitoring files', () => {
  let home: Home;
  let server: PithosProcess;
  let metrics = '';
  let rules: Rules;
  let dashboard: Dashboard;
  const fetchMetrics = async (url: string): Promise<string> => (await fetch(`${url}/metrics`)).text();

  beforeAll(async () => {
    rules = parse(await readFile(path.join(FOLDER, 'alerts.yaml'), 'utf8')) as Rules;
    dashboard = JSON.parse(await readFile(path.join(FOLDER, 'grafana-dashboard.json'), 'utf8')) as Dashboard;
    const port = await freePort({ hosts: ['127.0.0.1'] });
    const notifications = { targets: { audit: { type: 'webhook', url: 'http://127.0.0.1:9/' } } };
    home = await makeHome('embedded', { service: { workers: 1, 'health-port': port }, notifications });
    server = await spawnPithos({ config: home.config });
    const s3 = clientOf(server);
    const Bucket = bucketName();
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: Buffer.alloc(100 * KIB) }));
    await contentOf(await s3.send(new GetObjectCommand({ Bucket, Key: 'k' })));
    expect(await damage(path.join(home.dataDir, 'blobs'))).toBe(1);
    await s3.send(new GetObjectCommand({ Bucket, Key: 'k' })).then(contentOf, () => undefined);
    s3.destroy();
    await vi.waitFor(
      async () => {
        metrics = await fetchMetrics(`http://127.0.0.1:${port}`);
        expect(samplesOf(metrics, 'pithos_volume_free_bytes').length).toBeGreaterThan(0);
        expect(samplesOf(metrics, 'pithos_backlog_entries').length).toBeGreaterThan(0);
      },
      { timeout: 60_000, interval: 200 },
    );
  });
  afterAll(async () => {
    await server.stop();
    await home.remove();
  });

  it('have rules that say what is wrong, with metrics that there are', () => {
    const all = rules.groups.flatMap((group) => group.rules);
    expect(all.length).toBeGreaterThanOrEqual(10);
    expect(new Set(all.map(({ alert }) => alert)).size).toBe(all.length);
    for (const { alert, expr, labels, annotations } of all) {
      expect(['warning', 'critical'], alert).toContain(labels.severity);
      expect(annotations.summary, alert).not.toBe('');
      expect(faultsOf(expr, metrics), alert).toEqual([]);
      // What a text names, the expression has kept.
      const named = [...`${annotations.summary}${annotations.description}`.matchAll(/\$labels\.(\w+)/g)];
      for (const [, label = ''] of named) expect(expr, `${alert} ${label}`).toContain(label);
    }
  });

  it('have a dashboard of metrics that there are', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'job']);
    for (const { title, type, gridPos, targets = [] } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      if (type !== 'row') expect(targets.length, title).toBeGreaterThan(0);
      for (const { expr, legendFormat } of targets) {
        expect(faultsOf(expr, metrics), title).toEqual([]);
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(expr, title).toContain(label);
      }
    }
  });

  it('show each metric of the server, but those of the process, somewhere', () => {
    const used = [
      ...rules.groups.flatMap((group) => group.rules),
      ...dashboard.panels.flatMap(({ targets = [] }) => targets),
    ];
    const text = used.map(({ expr }) => expr).join('\n');
    const ours = [...familiesOf(metrics).keys()].filter((name) => name.startsWith('pithos_'));
    expect(ours.filter((name) => !text.includes(name))).toEqual([]);
  });

  it('find out that the test would find out', () => {
    expect(faultsOf('rate(pithos_none_total[5m])', metrics)).toEqual(['pithos_none_total is no metric']);
    expect(faultsOf('pithos_requests_total{bucket="a"}', metrics)).toEqual([
      'pithos_requests_total has no label bucket',
    ]);
    expect(faultsOf('sum(1', metrics)).toEqual(['parentheses', 'no metric at all']);
  });

  it('count what is damaged', () => {
    expect(sampleOf(metrics, 'pithos_corrupt_reads_total', {})).toBe(1);
  });
});

/** What is wrong with an expression: names and labels that are not there, parentheses that do not match. */
function faultsOf(expr: string, metrics: string): string[] {
  const families = familiesOf(metrics);
  const faults: string[] = [];
  const plain = expr.replaceAll(/"[^"]*"/g, '""');
  const brackets = [
    ['(', ')'],
    ['[', ']'],
    ['{', '}'],
  ] as const;
  for (const [left, right] of brackets)
    if (plain.split(left).length !== plain.split(right).length) faults.push('parentheses');
  const uses = [...expr.matchAll(/\b((?:pithos|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)];
  if (uses.length === 0) faults.push('no metric at all');
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((name) => name.trim()),
  );
  const known = new Set(ADDED_LABELS);
  for (const [, name = '', matchers = ''] of uses) {
    const family = families.get(name) ?? families.get(name.replace(/_(bucket|count|sum)$/, ''));
    if (family === undefined) {
      faults.push(`${name} is no metric`);
      continue;
    }
    const labels = new Set(samplesOf(metrics, name).flatMap((sample) => Object.keys(sample.labels)));
    for (const label of labels) known.add(label);
    for (const [, label = ''] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g))
      if (!labels.has(label) && !ADDED_LABELS.includes(label)) faults.push(`${name} has no label ${label}`);
  }
  return [...faults, ...grouped.filter((label) => !known.has(label)).map((label) => `nothing has a label ${label}`)];
}

/** Changes a byte of each blob file. @returns how many */
async function damage(folder: string): Promise<number> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  for (const { parentPath, name } of files) {
    const file = await open(path.join(parentPath, name), 'r+');
    await file.write(Buffer.from([0xff]), 0, 1, 1000);
    await file.close();
  }
  return files.length;
}
