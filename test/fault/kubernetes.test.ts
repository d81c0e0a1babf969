/**
 * The manifests at work: what each container of them is given, its command, variables, configuration and security context, is run
 * in their order on a ring of three that is found by DNS alone. The production overlay's nodes serve both its own gateway and
 * the seed's. Only the cluster's own part is played (test/k8s/cluster): images, addresses, DNS, the kubelet's signals.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureCassandraInstalled } from '../cassandra/index.mjs';
import { configurationOf, environmentOf, seedManifests, workloadOf } from '../k8s/manifests.js';
import type { Container, Manifest, PodSpec } from '../k8s/manifests.js';
import { kustomize, OWN_KEYS } from '../k8s/sets.js';
import { installTools } from '../k8s/tools.js';
import { ROOT } from '../k8s/validator.js';
import { MASTER_KEY } from '../support/config.js';
import { run } from '../support/run.js';

const SCENARIO = fileURLToPath(new URL('../k8s/cluster/scenario.mjs', import.meta.url));
const TIMEOUT_MS = 2_400_000;

interface Ended {
  readonly code: number | null;
  readonly log: string;
}
interface Served extends Ended {
  readonly bootstrap: Ended;
  /** Statuses that probes got. */
  readonly answers: readonly number[];
  readonly roundTrip: boolean;
  /** Status of an upload that was under way. */
  readonly inFlight: number | string;
  readonly inTime: boolean;
}
interface Report {
  readonly settings: Readonly<Record<string, string>>;
  readonly racks: readonly string[];
  readonly seed: Served;
  readonly overlay: Served & { readonly again: Ended };
  readonly questions: readonly string[];
  readonly nodesRunning: number;
}

const OWN = OWN_KEYS.stringData ?? {};
const OWN_CREDENTIALS = {
  accessKeyId: OWN['PITHOS_ACCESS_KEY'] ?? '',
  secretAccessKey: OWN['PITHOS_SECRET_KEY'] ?? '',
};

describe('the manifests on a ring of their own', () => {
  let report: Report;

  beforeAll(async () => {
    await ensureCassandraInstalled();
    const overlay = [...(await kustomize(await installTools(), 'overlays/production')), OWN_KEYS];
    const dir = mkdtempSync(path.join(os.tmpdir(), 'pithos-kubernetes-'));
    try {
      const plan = path.join(dir, 'plan.json');
      const seed = seedManifests();
      const whole = {
        root: ROOT,
        dir,
        nodes: nodesOf(overlay),
        seed: shapeOf(seed, MASTER_KEY),
        overlay: shapeOf(overlay, OWN_CREDENTIALS),
      };
      writeFileSync(plan, JSON.stringify(whole));
      // Ports, paths and names of the manifests are this machine's own outside of these namespaces. All ends with the scenario.
      const isolated = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
      const command = [...isolated, process.execPath, SCENARIO, plan];
      const { code, stdout, stderr } = await run('unshare', command, {
        timeoutMs: TIMEOUT_MS,
        env: { NODE_OPTIONS: '' },
      });
      if (code !== 0) throw new Error(`the scenario ended with ${code}:\n${stdout}\n${stderr}`);
      report = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Report;
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }, TIMEOUT_MS);

  it('make a ring whose nodes found each other by name, one in each rack, durable and with the second version of Paxos', () => {
    expect(report.racks).toEqual(['rack1', 'rack2', 'rack3']);
    expect(report.settings).toEqual({ commitlog_sync: 'batch', paxos_variant: 'v2' });
    expect(report.nodesRunning).toBe(3);
  });

  it('install the schema, as often as the Job runs', () => {
    const { bootstrap, again } = report.overlay;
    expect([bootstrap.code, again.code], bootstrap.log + again.log).toEqual([0, 0]);
    expect(bootstrap.log).toContain('created keyspace storage with copies {\\"datacenter1\\":3}');
    expect(again.log).toContain('"created":false,"applied":[]');
  });

  it.each(['seed', 'overlay'] as const)('serve S3 in the shape of the %s', (shape) => {
    const { bootstrap, roundTrip, log } = report[shape];
    expect(bootstrap.code, bootstrap.log).toBe(0);
    expect(roundTrip, log).toBe(true);
  });

  it('answer the probes of their gateway', () => {
    expect(report.overlay.answers).toEqual([200, 200, 200]);
  });

  it.each(['seed', 'overlay'] as const)('finish what is under way when a pod of the %s is ended', (shape) => {
    const { inFlight, code, inTime, log } = report[shape];
    expect({ inFlight, code, inTime }, log).toEqual({ inFlight: 200, code: 0, inTime: true });
  });

  it('find the ring by its SRV records and by its name', () => {
    const domain = 'cassandra.default.svc.cluster.local';
    expect(report.questions).toEqual(
      expect.arrayContaining([`SRV _cql._tcp.${domain}`, `A ${domain}`, `A cassandra-rack1-0.${domain}`]),
    );
  });
});

/** Every node of the ring, by its pod's name, as its container is started. */
function nodesOf(manifests: readonly Manifest[]): readonly unknown[] {
  return manifests.flatMap((manifest) => {
    if (manifest.kind !== 'StatefulSet') return [];
    const container = workloadOf(manifest)?.pod.containers[0];
    if (container === undefined) throw new Error('no container');
    return Array.from({ length: manifest.spec?.['replicas'] as number }, (_, index) => ({
      hostname: `${manifest.metadata.name}-${index}`,
      command: [...(container.command ?? []), ...(container.args ?? [])],
      env: environmentOf(container, manifests),
    }));
  });
}

function shapeOf(
  manifests: readonly Manifest[],
  { accessKeyId, secretAccessKey }: { readonly accessKeyId: string; readonly secretAccessKey: string },
): unknown {
  const podOf = (name: string): PodSpec => {
    const manifest = manifests.find(({ kind, metadata }) => metadata.name === name && RUNS_PITHOS.has(kind));
    const pod = manifest === undefined ? undefined : workloadOf(manifest)?.pod;
    if (pod === undefined) throw new Error(`no workload ${name}`);
    return pod;
  };
  const gateway = podOf('pithos');
  return {
    bootstrap: containerOf(podOf('pithos-bootstrap'), manifests),
    gateway: containerOf(gateway, manifests),
    preStop: gateway.containers[0]?.lifecycle?.preStop?.exec?.command ?? [],
    probes: probesOf(gateway),
    // Kubernetes's own when the manifest does not say.
    graceSeconds: gateway.terminationGracePeriodSeconds ?? 30,
    credentials: { accessKeyId, secretAccessKey },
  };
}

/** Those by HTTP, at the numbers of their ports. */
function probesOf({ containers: [container] }: PodSpec): readonly { readonly path: string; readonly port: number }[] {
  const probes = [container?.startupProbe, container?.readinessProbe, container?.livenessProbe];
  return probes.flatMap((probe) => {
    if (probe?.httpGet === undefined) return [];
    const { path: asked, port: portName } = probe.httpGet;
    const port = container?.ports?.find(({ name }) => name === portName)?.containerPort;
    if (port === undefined) throw new Error(`no port ${portName}`);
    return [{ path: asked, port }];
  });
}

const RUNS_PITHOS = new Set(['Deployment', 'ReplicationController', 'Job', 'Pod']);

function containerOf(pod: PodSpec, manifests: readonly Manifest[]): unknown {
  const container: Container | undefined = pod.containers[0];
  if (container === undefined) throw new Error('no container');
  const user = pod.securityContext?.['runAsUser'];
  return {
    // The image's (test/k8s/image.test.ts).
    entrypoint: [process.execPath, 'dist/server'],
    args: container.args ?? ['api-run'],
    env: environmentOf(container, manifests),
    configuration: configurationOf(pod, container, manifests),
    restricted: user === undefined ? null : { user, group: pod.securityContext?.['runAsGroup'] },
  };
}
