#!/usr/bin/env node
// Writes k8s/base and k8s/components from the Helm chart, so that both say the same: `node k8s/render.mjs`, with helm on the PATH or named by HELM.
// `--check` writes nothing and ends with 1 where they differ. The kustomization.yaml files are not generated.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
/** The oldest Kubernetes that the chart is for; without one helm takes the version that it was built with. */
const KUBE_VERSION = '1.30';
const NOTE = '# Rendered from k8s/chart by k8s/render.mjs: change it there.\n';

/** A file for each template. The ServiceMonitor is a component of its own: not every cluster knows the kind. */
const PLACES = {
  'cassandra-service.yaml': 'base/ring',
  'cassandra-pdb.yaml': 'base/ring',
  'cassandra-network-policy.yaml': 'base/ring',
  'cassandra-statefulset.yaml': 'base/rack',
  'pithos-configmap.yaml': 'base/gateway',
  'pithos-bootstrap-job.yaml': 'base/gateway',
  'pithos-deployment.yaml': 'base/gateway',
  'pithos-hpa.yaml': 'base/gateway',
  'pithos-pdb.yaml': 'base/gateway',
  'pithos-service.yaml': 'base/gateway',
  'pithos-network-policy.yaml': 'base/gateway',
  'pithos-service-monitor.yaml': 'components/monitoring',
};

/**
 * @param {string} helm
 * @param {readonly string[]} args
 */
function template(helm, args) {
  const all = [
    'template',
    'pithos',
    path.join(HERE, 'chart'),
    '--kube-version',
    KUBE_VERSION,
    '--set',
    'plain=true',
    ...args,
  ];
  return execFileSync(helm, all, { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 });
}

/**
 * The files: path under k8s/ -> content.
 * @param {string} helm the program
 * @returns {Map<string, string>}
 */
export function renderBase(helm) {
  /** @type {Map<string, string>} */
  const files = new Map();
  for (const document of template(helm, ['--set', 'serviceMonitor.enabled=true']).split(/^---\n/m)) {
    const [, name, text] = /^# Source: pithos\/templates\/(\S+)\n([^]*)$/.exec(document) ?? [];
    if (name === undefined || text === undefined) continue;
    if (!(name in PLACES)) throw new Error(`render.mjs does not say where ${name} belongs`);
    const file = `${PLACES[/** @type {keyof typeof PLACES} */ (name)]}/${name}`;
    const before = files.get(file);
    files.set(file, before === undefined ? `${NOTE}${text.trim()}\n` : `${before}---\n${text.trim()}\n`);
  }
  return files;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = renderBase(process.env['HELM'] ?? 'helm');
  const stale = [...files].filter(([file, text]) => read(path.join(HERE, file)) !== text).map(([file]) => file);
  if (process.argv.includes('--check')) {
    for (const file of stale) process.stderr.write(`k8s/${file} is not what the chart renders\n`);
    process.exitCode = stale.length > 0 ? 1 : 0;
  } else {
    for (const file of stale) {
      mkdirSync(path.dirname(path.join(HERE, file)), { recursive: true });
      writeFileSync(path.join(HERE, file), files.get(file) ?? '');
    }
    process.stdout.write(`${stale.length} of ${files.size} files written\n`);
  }
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
