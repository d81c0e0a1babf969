// The real Helm and Kustomize, built from their Go modules into .cache. Built at the first use and again when versions change.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exclusive } from '../support/exclusive.mjs';
import { runOk } from '../support/run.js';
import { ROOT } from './validator.js';

const HELM = 'v3.22.0';
const KUSTOMIZE = 'v5.7.1';
// Helm is a thousand packages, on a machine that does other things too.
const BUILD_TIMEOUT_MS = 1_500_000;

export interface Tools {
  readonly helm: string;
  readonly kustomize: string;
}

/** Paths of both programs. Needs Go. */
export async function installTools(): Promise<Tools> {
  const folder = join(ROOT, '.cache', `k8s-tools-${HELM}-${KUSTOMIZE}`);
  const complete = join(folder, 'complete');
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  await exclusive({ lockDir: `${folder}.lock`, timeoutMs: BUILD_TIMEOUT_MS }, async () => {
    if (existsSync(complete)) return;
    const env = { GOBIN: folder, CGO_ENABLED: '0' };
    const options = { env, cwd: ROOT, timeoutMs: BUILD_TIMEOUT_MS };
    await runOk('go', ['install', `sigs.k8s.io/kustomize/kustomize/v5@${KUSTOMIZE}`], options);
    await runOk('go', ['install', `helm.sh/helm/v3/cmd/helm@${HELM}`], options);
    writeFileSync(complete, '');
  });
  return { helm: join(folder, 'helm'), kustomize: join(folder, 'kustomize') };
}
