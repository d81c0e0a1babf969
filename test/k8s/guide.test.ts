// The commands of docs/kubernetes.md and k8s/README.md: those that need no cluster are run, and what the others name is in the
// manifests that they are for.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { blocksOf, commandsIn } from '../support/guide.js';
import { runOk } from '../support/run.js';
import { K8S, nameOf, parseManifests, seedManifests } from './manifests.js';
import type { Manifest } from './manifests.js';
import { helm, kustomize } from './sets.js';
import { installTools } from './tools.js';
import type { Tools } from './tools.js';
import { ROOT } from './validator.js';

const GUIDE = readFileSync(join(ROOT, 'docs', 'kubernetes.md'), 'utf8');
const NOTES = readFileSync(join(K8S, 'README.md'), 'utf8');
const INSTALL_TIMEOUT_MS = 1_800_000;

const guide = commandsIn(blocksOf(GUIDE).flatMap(({ language, text }) => (language === 'sh' ? [text] : [])));
const notes = commandsIn(NOTES.split('\n').filter((line) => line.startsWith('    '))).map((line) => line.trim());
const inText = [...GUIDE.matchAll(/`((?:kubectl|helm) [^`]+)`/g)].map(([, text = '']) => text);

let tools: Tools;
let production: readonly Manifest[];
beforeAll(async () => {
  tools = await installTools();
  production = await kustomize(tools, 'overlays/production');
}, INSTALL_TIMEOUT_MS);

describe('docs/kubernetes.md', () => {
  it('makes the keys that the manifests take', async () => {
    const command = guide.find((line) => line.startsWith('kubectl create secret')) ?? '';
    const folder = mkdtempSync(join(tmpdir(), 'pithos-guide-'));
    try {
      await runOk('bash', ['-euo', 'pipefail', '-c', command], { cwd: folder });
      const [secret] = parseManifests(readFileSync(join(folder, 'pithos-keys.yaml'), 'utf8'));
      expect(secret).toMatchObject({ kind: 'Secret', metadata: { name: 'pithos-keys' } });
      const decoded = Object.entries(secret?.data ?? {}).map(([name, value]) => [
        name,
        Buffer.from(value, 'base64').toString(),
      ]);
      const { PITHOS_ACCESS_KEY, PITHOS_SECRET_KEY, PITHOS_MASTER_KEY } = Object.fromEntries(decoded) as Record<
        string,
        string
      >;
      expect(PITHOS_ACCESS_KEY).toMatch(/^[0-9a-f]{20}$/);
      expect(PITHOS_SECRET_KEY).toMatch(/^[A-Za-z0-9+/]{40}$/);
      expect(Buffer.from(PITHOS_MASTER_KEY ?? '', 'base64')).toHaveLength(32);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('builds and installs what is there', async () => {
    const folders = guide.flatMap((line) => /^kubectl (?:kustomize|apply -k) (?:k8s\/)(\S+)$/.exec(line)?.[1] ?? []);
    expect(new Set(folders)).toEqual(new Set(['overlays/dev', 'overlays/production']));
    for (const folder of new Set(folders)) expect((await kustomize(tools, folder)).length).toBeGreaterThan(10);

    const [, args = ''] = guide.flatMap((line) => /^helm install (pithos k8s\/chart) (.*)$/.exec(line)?.slice(1) ?? []);
    const rendered = await helm(
      tools,
      args.split(' ').map((word) => (word.startsWith('k8s/') ? join(ROOT, word) : word)),
    );
    expect(rendered.map(nameOf)).toEqual(expect.arrayContaining(['deployment/pithos', 'job/pithos-bootstrap-1']));
    const tags = guide.flatMap((line) => /^docker build -t (\S+) \.$/.exec(line)?.[1] ?? []);
    expect(JSON.stringify(rendered)).toContain(`"image":"${tags[0] ?? 'none'}"`);
  });

  it('names what is in the manifests', () => {
    const known = new Set(production.map(nameOf));
    const all = [...guide, ...inText];
    const named = all.flatMap((line) => [
      ...[...line.matchAll(/\b(job|deployment|statefulset)[/ ]([a-z][a-z0-9-]*)/g)].map(
        ([, kind = '', name = '']) => `${kind}/${name}`,
      ),
    ]);
    expect(named.length).toBeGreaterThan(6);
    for (const name of named) expect(known, name).toContain(name);
    for (const line of all.filter((text) => text.includes('--selector'))) expectSelected(line, production);
  });

  it('has no command that nothing looks after', () => {
    const looksAfter = [
      /^kubectl (?:create secret generic pithos-keys|kustomize k8s|apply -k k8s|apply -f pithos-keys\.yaml$)/,
      /^kubectl (?:wait|rollout|delete job|patch statefulset|get services|exec cassandra-rack1-0 -- nodetool status)/,
      /^helm install /,
      /^docker build /,
      // The README's own, which test/clients runs.
      /^s3cmd --host=/,
    ];
    expect(guide.filter((line) => !looksAfter.some((pattern) => pattern.test(line)))).toEqual([]);
    const readme = commandsIn([readFileSync(join(ROOT, 'README.md'), 'utf8')]).map((line) => line.trim());
    expect(readme).toContain(guide.find((line) => line.startsWith('s3cmd')));
  });

  it('names files that are there, in links and in text', () => {
    const links = [...GUIDE.matchAll(/\]\((?!http)([^)#]+)/g)].map(([, path = '']) => join(ROOT, 'docs', path));
    const paths = [...GUIDE.matchAll(/`((?:k8s|test)\/[\w./-]+)`/g)].map(([, path = '']) => join(ROOT, path));
    expect(links.length).toBeGreaterThan(4);
    expect([...links, ...paths].filter((path) => !existsSync(path))).toEqual([]);
  });
});

describe('k8s/README.md', () => {
  it("has the seed's commands, of files and resources that are there", () => {
    const seed = seedManifests();
    const files = notes.flatMap((line) => /^kubectl create -f \.\/(\S+)$/.exec(line)?.[1] ?? []);
    expect(files).toEqual([
      'cassandra/cassandra-controller.yaml',
      'cassandra/cassandra-service.yaml',
      'pithos/pithos-bootstrap.yaml',
      'pithos/pithos-rc.yaml',
      'pithos/spithos.yaml',
    ]);
    expect(files.filter((file) => !existsSync(join(K8S, 'seed', file)))).toEqual([]);
    expect(notes).toContain('kubectl scale --replicas=4 statefulset cassandra');
    expect(seed.map(nameOf)).toEqual(expect.arrayContaining(['statefulset/cassandra', 'pod/pithos-bootstrap']));
    for (const line of notes.filter((text) => text.includes('--selector'))) expectSelected(line, seed);
  });
});

/** A selector finds something of the kind that is asked for. */
function expectSelected(line: string, manifests: readonly Manifest[]): void {
  const [, kind = '', value = ''] = /get (services|pods) --selector="name=([a-z-]+)"/.exec(line) ?? [];
  const text = JSON.stringify(manifests.filter((manifest) => kind === 'pods' || manifest.kind === 'Service'));
  expect(text, line).toContain(`"name":"${value}"`);
}
