// Reads the manifests under k8s/ into what the tests ask of them: resources, their containers, and their text.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ROOT } from './validator.js';

export interface Probe {
  readonly tcpSocket?: { readonly port: string | number };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly envFrom?: readonly { readonly secretRef?: { readonly name: string; readonly optional?: boolean } }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly restartPolicy?: string;
  readonly enableServiceLinks?: boolean;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
}

export interface Manifest {
  /** Path under k8s/. */
  readonly file: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
  readonly resources?: readonly string[];
  readonly spec?: Readonly<Record<string, unknown>>;
}

export const K8S = join(ROOT, 'k8s');
/** Kinds of YAML in k8s/ that are not resources of a cluster. */
const OTHER_FILES = new Set(['kustomization.yaml', 'pithos.default.yaml']);

/** Paths of all manifests in a folder, `k8s` itself without its subfolders. */
export function manifestFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml') && !OTHER_FILES.has(entry.name))
    .map((entry) => join(folder, entry.name))
    .sort();
}

export function readManifests(file: string): Manifest[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).map((document) => {
    if (!('errors' in document)) throw new Error(`${file} is empty`);
    if (document.errors.length > 0) throw document.errors[0] ?? new Error(file);
    return { ...(document.toJS() as Omit<Manifest, 'file'>), file: relative(K8S, file) };
  });
}

interface Workload {
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

/** The environment that a container gets from its manifest, with the Secrets that are among `manifests`. */
export function environmentOf(container: Container, manifests: readonly Manifest[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const { secretRef } of container.envFrom ?? []) {
    const secret = manifests.find(({ kind, metadata }) => kind === 'Secret' && metadata.name === secretRef?.name);
    if (secret === undefined && secretRef?.optional !== true) throw new Error(`no Secret ${secretRef?.name ?? ''}`);
    Object.assign(env, secret?.stringData);
  }
  for (const { name, value } of container.env ?? []) env[name] = value ?? '';
  return env;
}
