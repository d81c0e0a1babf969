// Reads manifests into what the tests ask of them: resources, their containers, and their text.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ROOT } from './validator.js';

export interface Probe {
  readonly tcpSocket?: { readonly port: string | number };
  readonly httpGet?: { readonly port: string | number; readonly path: string };
}

interface Reference {
  readonly name: string;
  readonly optional?: boolean;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly envFrom?: readonly { readonly secretRef?: Reference; readonly configMapRef?: Reference }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { readonly preStop?: { readonly exec?: { readonly command: readonly string[] } } };
  readonly resources?: Readonly<Record<'requests' | 'limits', Readonly<Record<string, string>>>>;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly restartPolicy?: string;
  readonly enableServiceLinks?: boolean;
  readonly automountServiceAccountToken?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly topologySpreadConstraints?: readonly unknown[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

export const K8S = join(ROOT, 'k8s');

/** The seed's resources, in the order in which its document creates them. */
export function seedManifests(): Manifest[] {
  return ['cassandra', 'pithos'].flatMap((folder) =>
    readdirSync(join(K8S, 'seed', folder))
      .sort()
      .flatMap((file) => parseManifests(readFileSync(join(K8S, 'seed', folder, file), 'utf8'))),
  );
}

/** Resources of a text of several documents. */
export function parseManifests(text: string): Manifest[] {
  return [...parseAllDocuments(text)].flatMap((document) => {
    if (!('errors' in document)) return [];
    if (document.errors.length > 0) throw document.errors[0] ?? new Error(text);
    const manifest = document.toJS() as Manifest | null;
    return manifest === null ? [] : [manifest];
  });
}

/** `kind/name`, as the validator writes it. */
export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind.toLowerCase()}/${metadata.name}`;
}

export interface Workload {
  readonly selector: Readonly<Record<string, string>> | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly pod: PodSpec;
}

/** The pod of a resource that runs one, with how the resource finds its pods; null for the other kinds. */
export function workloadOf({ kind, metadata, spec = {} }: Manifest): Workload | null {
  if (kind === 'Pod') return { selector: null, labels: metadata.labels ?? {}, pod: spec as unknown as PodSpec };
  const template = spec['template'] as { metadata: { labels: Record<string, string> }; spec: PodSpec } | undefined;
  if (template === undefined) return null;
  const selector = spec['selector'] as Record<string, unknown> | undefined;
  const labels = kind === 'ReplicationController' ? selector : selector?.['matchLabels'];
  return {
    selector: (labels as Record<string, string> | undefined) ?? null,
    labels: template.metadata.labels,
    pod: template.spec,
  };
}

/** The environment that a container gets from its manifest, with the Secrets and ConfigMaps that are among `manifests`. */
export function environmentOf(container: Container, manifests: readonly Manifest[]): Record<string, string> {
  const env: Record<string, string> = {};
  const take = (wanted: string, reference: Reference | undefined): void => {
    if (reference === undefined) return;
    const found = manifests.find(({ kind, metadata }) => kind === wanted && metadata.name === reference.name);
    if (found === undefined && reference.optional !== true) throw new Error(`no ${wanted} ${reference.name}`);
    Object.assign(env, found?.stringData, found?.data);
  };
  for (const { secretRef, configMapRef } of container.envFrom ?? []) {
    take('Secret', secretRef);
    take('ConfigMap', configMapRef);
  }
  for (const { name, value } of container.env ?? []) env[name] = value ?? '';
  return env;
}

/** What is mounted at /etc/pithos; without a mount it is the image's own. */
export function configurationOf(pod: PodSpec, container: Container, manifests: readonly Manifest[]): string {
  const mount = container.volumeMounts?.find(({ mountPath }) => mountPath === '/etc/pithos');
  if (mount === undefined) return readFileSync(join(K8S, 'pithos.default.yaml'), 'utf8');
  const name = pod.volumes?.find((volume) => volume.name === mount.name)?.configMap?.name;
  const map = manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name);
  const text = map?.data?.['pithos.yaml'];
  if (text === undefined) throw new Error(`no ConfigMap ${name ?? ''} with a pithos.yaml`);
  return text;
}
