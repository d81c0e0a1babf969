// The manifests: valid for Kubernetes itself, and fitting together and with the program they run.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseArgs } from '../../src/config/cli.js';
import { loadConfig } from '../../src/config/index.js';
import type { Config } from '../../src/config/index.js';
import { environmentOf, K8S, manifestFiles, readManifests, workloadOf } from './manifests.js';
import type { Container, Manifest } from './manifests.js';
import { installValidator, ROOT, validate } from './validator.js';

// The newest that the validator knows, and the oldest that anybody should still run.
const KUBERNETES_VERSIONS = ['1.37', '1.33'];
const SETS = {
  base: manifestFiles(K8S),
  seed: [...manifestFiles(join(K8S, 'seed', 'cassandra')), ...manifestFiles(join(K8S, 'seed', 'pithos'))],
};
const setNames = Object.keys(SETS) as (keyof typeof SETS)[];
const manifestsOf = (set: keyof typeof SETS): Manifest[] => SETS[set].flatMap(readManifests);
const nameOf = ({ kind, metadata }: Manifest): string => `${kind.toLowerCase()}/${metadata.name}`;

describe('the schemas of Kubernetes', () => {
  let program: string;
  beforeAll(async () => {
    program = await installValidator();
  }, 500_000);

  it.each(KUBERNETES_VERSIONS)('of version %s accept every resource', async (kubernetesVersion) => {
    const files = [...SETS.base, ...SETS.seed];
    const { passed, complaints } = await validate({ program, kubernetesVersion, files });
    expect(complaints).toEqual([]);
    expect(passed).toEqual(files.flatMap(readManifests).map(nameOf));
  });

  it('refuse what the manifests of 2015 said', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pithos-k8s-'));
    try {
      const planted = {
        'old-version.yaml': 'apiVersion: v1beta3\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1}]}\n',
        'old-property.yaml':
          'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {createExternalLoadBalancer: true, ports: [{port: 1}]}\n',
        'wrong-type.yaml': 'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: "eighty"}]}\n',
      };
      const files = Object.entries(planted).map(([name, text]) => {
        writeFileSync(join(folder, name), text);
        return join(folder, name);
      });
      const { passed, complaints } = await validate({ program, kubernetesVersion: '1.37', files });
      expect(passed).toEqual([]);
      expect(complaints).toHaveLength(files.length);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe.each(setNames)('the %s manifests', (set) => {
  const manifests = manifestsOf(set);
  const workloads = manifests.flatMap((manifest) => {
    const workload = workloadOf(manifest);
    return workload === null ? [] : [{ manifest, ...workload }];
  });
  const gateways = workloads.flatMap(({ manifest, pod }) =>
    pod.containers.filter(({ image }) => isPithos(image)).map((container) => ({ manifest, pod, container })),
  );

  it('name every resource once', () => {
    const names = manifests.map(nameOf);
    expect(names).toEqual([...new Set(names)]);
  });

  it('have controllers that select their own pods and nobody else', () => {
    const controllers = workloads.filter(({ selector }) => selector !== null);
    expect(controllers.length).toBeGreaterThanOrEqual(2);
    for (const { manifest, selector } of controllers) {
      const selected = workloads.filter(({ labels }) => matches(selector ?? {}, labels)).map((other) => other.manifest);
      expect(selected.map(nameOf)).toEqual([nameOf(manifest)]);
    }
  });

  it('have services and budgets that select the pods they are for, and ports that these have', () => {
    const services = manifests.filter(({ kind }) => kind === 'Service');
    expect(services.map(({ metadata }) => metadata.name).sort()).toEqual(['cassandra', 'pithos']);
    for (const { metadata, spec = {} } of services) {
      const selected = workloads.filter(({ labels }) => matches(spec['selector'] as Record<string, string>, labels));
      expect(selected.map(({ manifest }) => manifest.metadata.name)).toEqual([metadata.name]);
      const ports = selected.flatMap(({ pod }) => pod.containers.flatMap(({ ports: all = [] }) => all));
      for (const { port, targetPort } of spec['ports'] as { port: number; targetPort: string }[]) {
        expect(ports.find(({ name }) => name === targetPort)?.containerPort).toBe(port);
      }
    }
    for (const { metadata, spec = {} } of manifests.filter(({ kind }) => kind === 'PodDisruptionBudget')) {
      const { matchLabels } = spec['selector'] as { matchLabels: Record<string, string> };
      const selected = workloads.filter(({ labels }) => matches(matchLabels, labels));
      expect(selected.map(({ manifest }) => manifest.metadata.name)).toEqual([metadata.name]);
    }
  });

  it('offer S3 on port 8080 of a load balancer, under the label of the original', () => {
    const service = manifests.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'pithos');
    expect(service?.metadata.labels).toMatchObject({ name: 'pithos' });
    expect(service?.spec).toMatchObject({ type: 'LoadBalancer', ports: [{ port: 8080 }] });
  });

  it('have a headless service, found under the name that the StatefulSet and the seeds use', () => {
    const service = manifests.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'cassandra');
    expect(service?.spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
    const ring = workloads.find(({ manifest }) => manifest.kind === 'StatefulSet');
    expect(ring?.manifest.spec).toMatchObject({ serviceName: 'cassandra' });
    const seeds = ring?.pod.containers[0]?.env?.find(({ name }) => name === 'CASSANDRA_SEEDS')?.value?.split(',');
    // The last name is the one that nodes other than the first can resolve.
    expect(seeds?.at(-1)).toBe(`${ring?.manifest.metadata.name ?? ''}-0.cassandra`);
  });

  it('have probes of ports that their containers open', () => {
    let probes = 0;
    for (const container of workloads.flatMap(({ pod }) => pod.containers)) {
      for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
        if (probe === undefined) continue;
        probes += 1;
        expect(container.ports?.map(({ name }) => name)).toContain(probe.tcpSocket?.port);
      }
    }
    expect(probes).toBeGreaterThanOrEqual(2);
  });

  it('mount volumes that their pods have', () => {
    for (const { manifest, pod } of workloads) {
      const claims = (manifest.spec?.['volumeClaimTemplates'] ?? []) as { metadata: { name: string } }[];
      const volumes = [...(pod.volumes ?? []).map(({ name }) => name), ...claims.map(({ metadata }) => metadata.name)];
      const mounted = pod.containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name));
      expect([...new Set(mounted)].sort()).toEqual([...volumes].sort());
    }
  });

  it('run actions that the program has: the schema once, then the server', () => {
    const actions = gateways.map(({ container }) => {
      // The image's entry point is the program; a command would replace it.
      expect(container.command).toBeUndefined();
      const command = parseArgs(container.args ?? []);
      return command.kind === 'action' ? command.action : command.message;
    });
    expect(actions.sort()).toEqual(['api-run', 'bootstrap']);
    const bootstrap = workloads.find(({ manifest }) => manifest.metadata.name === 'pithos-bootstrap');
    expect(bootstrap?.pod.restartPolicy).toBe(set === 'seed' ? 'Never' : 'OnFailure');
  });

  it('give every pithos container a configuration that loads, on the port that is open and the ring that is there', () => {
    expect(gateways.length).toBe(2);
    for (const { pod, container, manifest } of gateways) {
      const config = configOf({ pod, container }, manifests);
      expect(config.warnings).toEqual([]);
      expect(config.service.host).toBe('0.0.0.0');
      if (config.store.kind !== 'cassandra') throw new Error(`${nameOf(manifest)} does not use Cassandra`);
      const { bucketstore, regions } = config.store;
      const targets = Object.values(regions).flatMap((region) => [
        region.metastore,
        ...Object.values(region.storageClasses),
      ]);
      for (const target of [bucketstore, ...targets]) {
        expect(target.contactPoints).toEqual(['cassandra:9042']);
        expect(typeof target.repfactor === 'number' ? target.repfactor : target.repfactor['datacenter1']).toBe(3);
      }
      for (const { containerPort } of container.ports ?? []) expect(containerPort).toBe(config.service.port);
      expect(Object.keys(config.keystore.keys)).toEqual(['AKIAIOSFODNN7EXAMPLE']);
      expect(config.encryption.masterKey).toBeNull();
    }
  });

  it('keep the service links of Kubernetes out of the environment', () => {
    for (const { pod } of workloads) expect(pod.enableServiceLinks).toBe(false);
  });
});

describe('the base', () => {
  const manifests = manifestsOf('base');

  it('is all in the kustomization, and all that is in it', () => {
    const { resources } = parse(readFileSync(join(K8S, 'kustomization.yaml'), 'utf8')) as { resources: string[] };
    expect([...resources].sort()).toEqual(manifests.map(({ file }) => file).sort());
  });

  it('takes keys and the master key from its Secret', () => {
    const job = manifests.find(({ kind }) => kind === 'Job');
    const pod = job === undefined ? null : workloadOf(job)?.pod;
    const [container] = pod?.containers ?? [];
    if (pod === null || pod === undefined || container === undefined) throw new Error('no container');
    const stringData = {
      PITHOS_ACCESS_KEY: 'AKOFTHESECRET',
      PITHOS_SECRET_KEY: 'from/the+Secret',
      PITHOS_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
    };
    const replaced = manifests.map((manifest) => (manifest.kind === 'Secret' ? { ...manifest, stringData } : manifest));
    const config = configOf({ pod, container }, replaced);
    expect(config.keystore.keys['AKOFTHESECRET']?.secret).toBe('from/the+Secret');
    expect(config.encryption.masterKey?.key).toEqual(Buffer.alloc(32, 7));
    expect(config.usesExampleKeys).toBe(false);
  });

  it('runs nothing as root', () => {
    for (const manifest of manifests) {
      const pod = workloadOf(manifest)?.pod;
      if (pod === undefined) continue;
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      for (const { securityContext, image } of pod.containers) {
        expect(securityContext).toMatchObject({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
        if (isPithos(image)) expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true });
      }
    }
  });
});

describe('the image name', () => {
  it('is the same everywhere and of this major version', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const images = [...manifestsOf('base'), ...manifestsOf('seed')]
      .flatMap((manifest) => workloadOf(manifest)?.pod.containers ?? [])
      .map(({ image }) => image)
      .filter(isPithos);
    expect(new Set(images)).toEqual(new Set([`pithos:${version.split('.')[0] ?? ''}`]));
    expect(images).toHaveLength(4);
  });
});

function isPithos(image: string): boolean {
  return image.startsWith('pithos:');
}

function matches(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

/** What the gateway's own loader makes of the file that the container sees, with the environment that it gets. */
function configOf(
  {
    pod,
    container,
  }: {
    readonly pod: { readonly volumes?: readonly { name: string; configMap?: { name: string } }[] };
    readonly container: Container;
  },
  manifests: readonly Manifest[],
): Config {
  const mount = container.volumeMounts?.find(({ mountPath }) => mountPath === '/etc/pithos');
  const name = pod.volumes?.find((volume) => volume.name === mount?.name)?.configMap?.name;
  const map = manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name);
  // Without a mount it is the image's own.
  const text =
    mount === undefined ? readFileSync(join(K8S, 'pithos.default.yaml'), 'utf8') : map?.data?.['pithos.yaml'];
  if (text === undefined) throw new Error(`no ConfigMap ${name ?? ''} with a pithos.yaml`);
  return loadConfig({ path: '/etc/pithos/pithos.yaml', text, env: environmentOf(container, manifests) });
}
