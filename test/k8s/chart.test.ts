// One source of truth: the base is what the chart renders, and the overlays are what the chart's values files render. All of it
// is valid for Kubernetes itself.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { runOk } from '../support/run.js';
import { K8S, nameOf, parseManifests } from './manifests.js';
import type { Manifest } from './manifests.js';
import { buildSets, helm, kustomize } from './sets.js';
import type { SetName } from './sets.js';
import { installTools } from './tools.js';
import type { Tools } from './tools.js';
import { installValidator, ROOT, validate } from './validator.js';

// The newest that the validator knows, and the oldest that anybody should still run.
const KUBERNETES_VERSIONS = ['1.37', '1.33'];
const INSTALL_TIMEOUT_MS = 1_800_000;

let tools: Tools;
let sets: Readonly<Record<SetName, readonly Manifest[]>>;
beforeAll(async () => {
  tools = await installTools();
  sets = await buildSets();
}, INSTALL_TIMEOUT_MS);

describe('the chart', () => {
  it('renders the base', async () => {
    const check = [join(K8S, 'render.mjs'), '--check'];
    await runOk(process.execPath, check, { env: { HELM: tools.helm } });
    expect(sets.base.map(nameOf).sort()).toEqual((await helm(tools, PLAIN)).map(nameOf).sort());
  });

  it.each(['dev', 'production'] as const)('renders the %s overlay from its values', async (name) => {
    const rendered = await helm(tools, [...PLAIN, '-f', join(K8S, 'chart', `values-${name}.yaml`)]);
    expect(byName(sets[name])).toEqual(byName(rendered));
  });

  it('passes the lint of Helm, is of this version and has the image of its major version', async () => {
    await runOk(tools.helm, ['lint', '--strict', join(K8S, 'chart')]);
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const chart = parse(readFileSync(join(K8S, 'chart', 'Chart.yaml'), 'utf8')) as Record<string, string>;
    expect(chart).toMatchObject({ version, appVersion: version.split('.')[0] });
  });

  it('starts gateways anew when their configuration or keys change, and gives each release a Job of its own', async () => {
    const annotationsOf = async (...args: string[]): Promise<unknown> => {
      const pod = (await helm(tools, args)).find(({ kind }) => kind === 'Deployment')?.spec?.['template'];
      return (pod as { metadata: { annotations?: unknown } }).metadata.annotations;
    };
    const first = await annotationsOf();
    expect(await annotationsOf()).toEqual(first);
    expect(await annotationsOf('--set', 'gateway.region=other')).not.toEqual(first);
    expect(await annotationsOf('--set', 'keys.create=true,keys.accessKey=a,keys.secretKey=b')).not.toEqual(first);
    expect(await annotationsOf(...PLAIN)).toBeUndefined();
    expect(sets.helm.map(nameOf)).toContain('job/pithos-bootstrap-1');
  });

  it('makes no Secret without keys', async () => {
    await expect(helm(tools, ['--set', 'keys.create=true'])).rejects.toThrow('keys.accessKey');
    expect(sets.helm.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  });

  it('lets the Prometheus operator find the metrics', async () => {
    const component = await kustomize(tools, 'components/monitoring');
    const plain = await helm(tools, [...PLAIN, '--set', 'serviceMonitor.enabled=true', '-s', MONITOR_TEMPLATE]);
    expect(byName(component)).toEqual(byName(plain));
    const all = sets['helm with monitoring'];
    const monitor = all.find(({ kind }) => kind === 'ServiceMonitor');
    const { selector, endpoints } = monitor?.spec as {
      selector: { matchLabels: Record<string, string> };
      endpoints: { port: string; path: string; interval: string }[];
    };
    expect(monitor?.apiVersion).toBe('monitoring.coreos.com/v1');
    expect(Object.keys(monitor?.spec ?? {}).sort()).toEqual(['endpoints', 'selector']);
    expect(endpoints).toEqual([
      { port: 'health', path: '/metrics', interval: expect.stringMatching(/^\d+s$/) as string },
    ]);
    const services = all.filter(
      ({ kind, metadata }) =>
        kind === 'Service' &&
        Object.entries(selector.matchLabels).every(([name, value]) => metadata.labels?.[name] === value),
    );
    expect(services.map(nameOf)).toEqual(['service/pithos-metrics']);
    expect(services[0]?.spec).toMatchObject({ ports: [{ name: 'health', port: 8081, targetPort: 'health' }] });
  });
});

describe('the schemas of Kubernetes', () => {
  let program: string;
  let folder: string;
  beforeAll(async () => {
    program = await installValidator();
    folder = mkdtempSync(join(tmpdir(), 'pithos-k8s-'));
    return () => {
      rmSync(folder, { recursive: true });
    };
  }, INSTALL_TIMEOUT_MS);

  it.each(KUBERNETES_VERSIONS)('of version %s accept every resource', async (kubernetesVersion) => {
    // Kinds of the Prometheus operator are not Kubernetes's own.
    const ours = Object.entries(sets).map(
      ([name, manifests]) =>
        [name, manifests.filter(({ apiVersion }) => !apiVersion.startsWith('monitoring.'))] as const,
    );
    const files = ours.map(([name, manifests]) => {
      const file = join(folder, `${name.replaceAll(' ', '-')}.yaml`);
      writeFileSync(file, manifests.map((manifest) => stringify(manifest)).join('---\n'));
      return file;
    });
    const { passed, complaints } = await validate({ program, kubernetesVersion, files });
    expect(complaints).toEqual([]);
    expect(passed).toEqual(ours.flatMap(([, manifests]) => manifests.map(nameOf)));
  });

  it('refuse what the manifests of 2015 said', async () => {
    const planted = {
      'old-version.yaml': 'apiVersion: v1beta3\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1}]}\n',
      'old-property.yaml':
        'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {createExternalLoadBalancer: true, ports: [{port: 1}]}\n',
      'wrong-type.yaml': 'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: "eighty"}]}\n',
    };
    const files = Object.entries(planted).map(([name, text]) => {
      expect(parseManifests(text)).toHaveLength(1);
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    });
    const { passed, complaints } = await validate({ program, kubernetesVersion: '1.37', files });
    expect(passed).toEqual([]);
    expect(complaints).toHaveLength(files.length);
  });
});

const PLAIN = ['--set', 'plain=true'];
const MONITOR_TEMPLATE = 'templates/pithos-service-monitor.yaml';

/** Patches of Kustomize move variables to the front of a container's: their order says nothing. */
function byName(manifests: readonly Manifest[]): Record<string, unknown> {
  const sorted = JSON.parse(JSON.stringify(manifests), (key: string, value: unknown): unknown =>
    key === 'env' && Array.isArray(value)
      ? (value as { name: string }[]).sort((left, right) => (left.name < right.name ? -1 : 1))
      : value,
  ) as Manifest[];
  return Object.fromEntries(sorted.map((manifest) => [nameOf(manifest), manifest]));
}
