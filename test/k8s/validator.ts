// kubernetes-validate, from PyPI, in a Python environment of its own under .cache: checks manifests against the schemas of
// Kubernetes itself. Installed at the first use and again whenever requirements.txt changes.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const REQUIREMENTS = fileURLToPath(new URL('./requirements.txt', import.meta.url));
const INSTALL_TIMEOUT_MS = 240_000;
const VALIDATE_TIMEOUT_MS = 60_000;

/** Installs the validator unless it is there, and returns the path of its program. */
export async function installValidator(): Promise<string> {
  const version = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const folder = join(ROOT, '.cache', `kubernetes-validate-${version}`);
  const program = join(folder, 'bin', 'kubernetes-validate');
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return program;
  // What an interrupted installation left cannot be told from a whole one.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const options = { timeout: INSTALL_TIMEOUT_MS };
  await run('python3', ['-m', 'venv', folder], options);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', REQUIREMENTS];
  await run(join(folder, 'bin', 'python'), pip, options);
  writeFileSync(complete, '');
  return program;
}

export interface Validation {
  /** `kind/name` of the resources that passed. */
  readonly passed: readonly string[];
  /** The validator's other lines: errors, and warnings such as a kind without a schema. */
  readonly complaints: readonly string[];
}

/** Checks files against one version of Kubernetes, strictly: properties that the schema does not know are errors. */
export async function validate(options: {
  readonly program: string;
  readonly kubernetesVersion: string;
  readonly files: readonly string[];
}): Promise<Validation> {
  const { program, kubernetesVersion, files } = options;
  const args = ['--strict', '-k', kubernetesVersion, ...files];
  const output = await run(program, args, { timeout: VALIDATE_TIMEOUT_MS }).catch((error: unknown) => {
    // It exits with a status when something is wrong, and says what on its output.
    if (error instanceof Error && 'stdout' in error && error.stdout !== '') return { stdout: String(error.stdout) };
    throw error;
  });
  const passed: string[] = [];
  const complaints: string[] = [];
  for (const line of output.stdout.split('\n').filter(Boolean)) {
    const name = / passed for resource (\S+) against version /.exec(line)?.[1];
    if (name === undefined) complaints.push(line);
    else passed.push(name);
  }
  return { passed, complaints };
}
