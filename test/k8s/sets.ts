// All that k8s/ can become: each overlay as Kustomize builds it, the chart as Helm renders it, and the seed's files.
import { join } from 'node:path';
import { runOk } from '../support/run.js';
import { K8S, parseManifests, seedManifests } from './manifests.js';
import type { Manifest } from './manifests.js';
import { installTools } from './tools.js';
import type { Tools } from './tools.js';

const WITH_MONITORING = ['--set', 'serviceMonitor.enabled=true'];

/** Secrets that are not part of the manifests: whoever installs them makes them. */
export const OWN_KEYS: Manifest = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'pithos-keys' },
  stringData: {
    PITHOS_ACCESS_KEY: 'AKOFTHESECRET',
    PITHOS_SECRET_KEY: 'from/the+Secret',
    PITHOS_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
  },
};

export type SetName =
  'base' | 'dev' | 'production' | 'helm' | 'helm dev' | 'helm production' | 'helm with monitoring' | 'seed';

export async function buildSets(): Promise<Readonly<Record<SetName, readonly Manifest[]>>> {
  const tools = await installTools();
  const values = (name: string): string[] => ['-f', join(K8S, 'chart', `values-${name}.yaml`)];
  return {
    base: await kustomize(tools, 'base'),
    dev: await kustomize(tools, 'overlays/dev'),
    production: await kustomize(tools, 'overlays/production'),
    helm: await helm(tools, []),
    'helm dev': await helm(tools, values('dev')),
    'helm production': await helm(tools, values('production')),
    'helm with monitoring': await helm(tools, [...values('production'), ...WITH_MONITORING]),
    seed: seedManifests(),
  };
}

/** `kustomize build` of a folder under k8s/. */
export async function kustomize(tools: Tools, folder: string): Promise<Manifest[]> {
  return parseManifests((await runOk(tools.kustomize, ['build', join(K8S, folder)])).stdout);
}

/** `helm template` of the chart. */
export async function helm(tools: Tools, args: readonly string[]): Promise<Manifest[]> {
  const all = ['template', 'pithos', join(K8S, 'chart'), '--kube-version', '1.33', ...args];
  return parseManifests((await runOk(tools.helm, all)).stdout);
}
