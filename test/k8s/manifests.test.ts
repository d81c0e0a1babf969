// The manifests, in every shape they come in, fit together and with the program they run.
import { describe, expect, it } from 'vitest';
import { parseArgs } from '../../src/config/cli.js';
import { loadConfig } from '../../src/config/index.js';
import type { Config } from '../../src/config/index.js';
import { configurationOf, environmentOf, nameOf, workloadOf } from './manifests.js';
import type { Container, Manifest, PodSpec } from './manifests.js';
import { buildSets, OWN_KEYS } from './sets.js';
import type { SetName } from './sets.js';

const sets = await buildSets();
/** Time that a gateway's primary gives its workers, s (src/main.ts: DRAIN_MS and KILL_AFTER_MS). */
const DRAIN_S = 30;
/** Its ServiceMonitor has a Service of its own: see chart.test.ts. */
const names = (Object.keys(sets) as SetName[]).filter((name) => name !== 'helm with monitoring');

describe.each(names)('the %s manifests', (set) => {
  const isSeed = set === 'seed';
  const manifests = withKeys(sets[set], isSeed);
  const workloads = manifests.flatMap((manifest) => {
    const workload = workloadOf(manifest);
    return workload === null ? [] : [{ manifest, ...workload }];
  });
  const containers = workloads.flatMap(({ pod }) => [...pod.containers, ...(pod.initContainers ?? [])]);
  const ring = workloads.filter(({ manifest }) => manifest.kind === 'StatefulSet');
  const nodes = ring.reduce((sum, { manifest }) => sum + (manifest.spec?.['replicas'] as number), 0);
  const gateways = workloads.flatMap(({ manifest, pod }) =>
    pod.containers.filter(({ image }) => isPithos(image)).map((container) => ({ manifest, pod, container })),
  );
  const selectedBy = (labels: Readonly<Record<string, string>>): string[] =>
    workloads.filter((workload) => matches(labels, workload.labels)).map(({ manifest }) => manifest.metadata.name);
  const ofKind = (wanted: string): Manifest[] => manifests.filter(({ kind }) => kind === wanted);

  it('name every resource once', () => {
    const all = manifests.map(nameOf);
    expect(all).toEqual([...new Set(all)]);
  });

  it('have controllers that select their own pods and nobody else', () => {
    const controllers = workloads.filter(({ selector }) => selector !== null);
    expect(controllers.length).toBeGreaterThanOrEqual(2);
    for (const { manifest, selector } of controllers) {
      expect(selectedBy(selector ?? {})).toEqual([manifest.metadata.name]);
    }
  });

  it('have services, budgets and policies that select the pods they are for, and ports that these have', () => {
    const services = ofKind('Service');
    expect(services.map(({ metadata }) => metadata.name).sort()).toEqual(['cassandra', 'pithos']);
    for (const { metadata, spec = {} } of services) {
      const selector = spec['selector'] as Record<string, string>;
      expect(selectedBy(selector)).toEqual(metadata.name === 'pithos' ? ['pithos'] : ringNames());
      const ports = workloads
        .filter(({ labels }) => matches(selector, labels))
        .flatMap(({ pod }) => pod.containers.flatMap(({ ports: all = [] }) => all));
      for (const { port, targetPort } of spec['ports'] as { port: number; targetPort: string }[]) {
        expect(ports.find(({ name }) => name === targetPort)?.containerPort).toBe(port);
      }
    }
    for (const { metadata, spec = {} } of ofKind('PodDisruptionBudget')) {
      const { matchLabels } = spec['selector'] as { matchLabels: Record<string, string> };
      expect(selectedBy(matchLabels)).toEqual(metadata.name === 'pithos' ? ['pithos'] : ringNames());
    }
  });
  const ringNames = (): string[] => ring.map(({ manifest }) => manifest.metadata.name);

  it('offer S3 on port 8080 of a load balancer, under the label of the original', () => {
    const service = ofKind('Service').find(({ metadata }) => metadata.name === 'pithos');
    expect(service?.metadata.labels).toMatchObject({ name: 'pithos' });
    expect(service?.spec).toMatchObject({ type: 'LoadBalancer', ports: [{ port: 8080 }] });
  });

  it('have a headless service, under whose name the seeds are nodes of the ring', () => {
    const service = ofKind('Service').find(({ metadata }) => metadata.name === 'cassandra');
    expect(service?.spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
    const hosts = ring.flatMap(({ manifest }) => {
      const { replicas, serviceName } = manifest.spec as { replicas: number; serviceName: string };
      expect(serviceName).toBe('cassandra');
      return Array.from({ length: replicas }, (_, index) => `${manifest.metadata.name}-${index}.cassandra`);
    });
    for (const { pod } of ring) {
      const seeds = pod.containers[0]?.env?.find(({ name }) => name === 'CASSANDRA_SEEDS')?.value?.split(',') ?? [];
      // In the seed's document the first name is the first node's own, known to it without DNS.
      const others = isSeed ? seeds.slice(1) : seeds;
      expect(hosts).toEqual(expect.arrayContaining(others));
      expect(others[0]).toBe(hosts[0]);
    }
  });

  it('have probes of ports that their containers open', () => {
    let probes = 0;
    for (const container of containers) {
      for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
        if (probe === undefined) continue;
        probes += 1;
        expect(container.ports?.map(({ name }) => name)).toContain((probe.tcpSocket ?? probe.httpGet)?.port);
      }
    }
    expect(probes).toBeGreaterThanOrEqual(2);
  });

  it('mount volumes that their pods have', () => {
    for (const { manifest, pod } of workloads) {
      const claims = (manifest.spec?.['volumeClaimTemplates'] ?? []) as { metadata: { name: string } }[];
      const volumes = [...(pod.volumes ?? []).map(({ name }) => name), ...claims.map(({ metadata }) => metadata.name)];
      const mounted = [...pod.containers, ...(pod.initContainers ?? [])].flatMap(({ volumeMounts = [] }) =>
        volumeMounts.map(({ name }) => name),
      );
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
    const bootstrap = workloads.find(({ manifest }) => manifest.metadata.name.startsWith('pithos-bootstrap'));
    expect(bootstrap?.pod.restartPolicy).toBe(isSeed ? 'Never' : 'OnFailure');
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
        expect(target.contactPoints).toEqual([isSeed ? 'cassandra:9042' : 'dns+srv://_cql._tcp.cassandra']);
        const copies = typeof target.repfactor === 'number' ? target.repfactor : target.repfactor['datacenter1'];
        // The seed's ring is scaled by hand.
        expect(copies).toBe(isSeed ? 3 : Math.min(nodes, 3));
      }
      const s3 = container.ports?.find(({ containerPort }) => containerPort === config.service.port);
      if (manifest.kind !== 'Job' && manifest.kind !== 'Pod') expect(s3).toBeDefined();
      const health = container.ports?.find(({ name }) => name === 'health')?.containerPort;
      if (manifest.kind === 'Deployment') expect(config.service.healthPort).toBe(health);
    }
  });

  it('run one image of this project, and nothing that is called latest', () => {
    expect(new Set(containers.map(({ image }) => image).filter(isPithos)).size).toBe(1);
    for (const { image } of containers)
      expect(image).toMatch(isSeed ? /:[\d.]+$/ : /^(?:pithos:1|cassandra:\d+\.\d+\.\d+)$/);
  });

  // What follows is not the seed's: it is the shortest way, and stays as it is.
  if (isSeed) return;

  it('run nothing as root, write only to volumes, have limits and no account of the cluster', () => {
    for (const { pod } of workloads) {
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.enableServiceLinks).toBe(false);
    }
    for (const { securityContext, resources } of containers) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(resources?.limits).toHaveProperty('memory');
      expect(Object.keys(resources?.requests ?? {}).sort()).toEqual(['cpu', 'memory']);
    }
  });

  it('replace gateways without a gap: a new one first, and time for the old one to drain', () => {
    const deployment = ofKind('Deployment')[0];
    expect(deployment?.spec?.['strategy']).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: 0, maxSurge: 1 },
    });
    const { pod, container } = gateways.find(({ manifest }) => manifest === deployment) ?? {};
    const [program, pause] = container?.lifecycle?.preStop?.exec?.command ?? [];
    expect(program).toBe('sleep');
    expect(pod?.terminationGracePeriodSeconds).toBeGreaterThan(Number(pause) + DRAIN_S);
    expect(pod?.topologySpreadConstraints).toHaveLength(2);
  });

  it('grow with the load, where there may be more than one gateway', () => {
    const deployment = ofKind('Deployment')[0];
    const [scaler] = ofKind('HorizontalPodAutoscaler');
    // Who scales says how many: a number in the Deployment would undo it with each apply.
    expect(scaler === undefined).toBe(deployment?.spec?.['replicas'] !== undefined);
    expect(scaler === undefined).toBe(set.endsWith('dev'));
    if (scaler === undefined) return;
    expect(scaler.apiVersion).toBe('autoscaling/v2');
    expect(scaler.spec).toMatchObject({ scaleTargetRef: { kind: 'Deployment', name: 'pithos' } });
    expect(scaler.spec?.['minReplicas']).toBeGreaterThanOrEqual(2);
  });

  it('let only gateways and bootstrap reach Cassandra, and everybody reach S3', () => {
    const policies = new Map(
      ofKind('NetworkPolicy').map(({ metadata, spec }) => [metadata.name, spec as unknown as Policy]),
    );
    expect([...policies.keys()].sort()).toEqual(['cassandra', 'pithos', 'pithos-bootstrap']);
    const portNames = new Set(containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name)));
    for (const [name, { podSelector, policyTypes, ingress, egress }] of policies) {
      expect(selectedBy(podSelector.matchLabels ?? {}).every((selected) => selected.startsWith(name))).toBe(true);
      expect(policyTypes).toEqual(['Ingress', 'Egress']);
      const ports = [...ingress, ...egress].flatMap((rule) => rule.ports.map(({ port }) => port));
      for (const port of ports) expect(port === 53 || portNames.has(String(port)), `${name}: ${port}`).toBe(true);
    }
    const callers = (policies.get('cassandra')?.ingress ?? [])
      .filter(({ ports }) => ports.some(({ port }) => port === 'cql'))
      .flatMap(({ from = [] }) => from.flatMap(({ podSelector }) => podSelector?.matchExpressions?.[0]?.values ?? []));
    // Nodes ask each other whether they have joined.
    expect(callers).toEqual(['pithos', 'pithos-bootstrap']);
    expect(gateways.map(({ manifest }) => workloadOf(manifest)?.labels['name']).sort()).toEqual(callers);
    const open = (policies.get('pithos')?.ingress ?? []).filter(({ from }) => from === undefined);
    expect(open).toEqual([{ ports: [{ port: 's3' }] }]);
  });

  it('keep racks in zones of their own, where there are several', () => {
    const racks = ring.map(({ labels, pod, selector }) => {
      const rack = pod.containers[0]?.env?.find(({ name }) => name === 'CASSANDRA_RACK')?.value;
      expect([labels['rack'], selector?.['rack']]).toEqual([rack, rack]);
      return rack;
    });
    expect(new Set(racks).size).toBe(ring.length);
    expect(ring.length).toBe(set.includes('production') ? 3 : 1);
    for (const { pod, labels } of ring) {
      const text = JSON.stringify((pod as { affinity?: unknown }).affinity ?? null);
      if (ring.length === 1) expect(text).toBe('null');
      else expect(text).toContain(`{"key":"rack","operator":"NotIn","values":["${labels['rack'] ?? ''}"]}`);
    }
  });

  it('take keys and the master key from the Secret', () => {
    const [gateway] = gateways;
    if (gateway === undefined) throw new Error('no gateway');
    const others = manifests.filter(({ kind }) => kind !== 'Secret');
    const config = configOf(gateway, [...others, OWN_KEYS]);
    expect(config.keystore.keys['AKOFTHESECRET']?.secret).toBe('from/the+Secret');
    expect(config.encryption.masterKey?.key).toEqual(Buffer.alloc(32, 7));
    expect(config.usesExampleKeys).toBe(false);
    expect(() => configOf(gateway, others)).toThrow('no Secret pithos-keys');
    expect(ofKind('Secret').filter((secret) => secret !== OWN_KEYS)).toHaveLength(set.endsWith('dev') ? 1 : 0);
  });
});

interface Rule {
  readonly from?: readonly {
    readonly podSelector?: { readonly matchExpressions?: readonly { readonly values: string[] }[] };
  }[];
  readonly ports: readonly { readonly port: string | number }[];
}
interface Policy {
  readonly podSelector: { readonly matchLabels?: Record<string, string> };
  readonly policyTypes: readonly string[];
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
}

/** With the Secret that whoever installs them makes, where none is part of them; the seed works without one. */
function withKeys(manifests: readonly Manifest[], isSeed: boolean): readonly Manifest[] {
  return isSeed || manifests.some(({ kind }) => kind === 'Secret') ? manifests : [...manifests, OWN_KEYS];
}

function isPithos(image: string): boolean {
  return image.startsWith('pithos:');
}

function matches(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

/** What the gateway's own loader makes of the file that the container sees, with the environment that it gets. */
function configOf(
  { pod, container }: { readonly pod: PodSpec; readonly container: Container },
  manifests: readonly Manifest[],
): Config {
  const text = configurationOf(pod, container, manifests);
  return loadConfig({ path: '/etc/pithos/pithos.yaml', text, env: environmentOf(container, manifests) });
}
