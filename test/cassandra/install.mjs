// Brings a complete Cassandra server (its jars) onto this machine by Maven, and finds the JDK that can run it.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { exclusive } from '../support/exclusive.mjs';

const execute = promisify(execFile);

const HERE = path.dirname(fileURLToPath(import.meta.url));
const POM = path.join(HERE, 'pom.xml');
const CACHE = path.join(HERE, '..', '..', '.cache', 'cassandra');
const MAVEN_TIMEOUT_MS = 600_000;
/** Cassandra 5.0 supports 11 and 17; later JDKs no longer have the security manager that it installs. */
const JDK_MAJOR = '17';

/** @type {typeof import('./index.d.mts').ensureCassandraInstalled} */
export async function ensureCassandraInstalled({ signal } = {}) {
  const java = await findJava();
  const version = versionInPom();
  const home = path.join(CACHE, version);
  const libDir = path.join(home, 'lib');
  const isComplete = () => existsSync(path.join(libDir, `cassandra-all-${version}.jar`));
  if (!isComplete()) {
    const lock = {
      lockDir: path.join(CACHE, `.lock-${version}`),
      timeoutMs: MAVEN_TIMEOUT_MS,
      ...(signal && { signal }),
    };
    await exclusive(lock, async () => {
      if (!isComplete()) await download(home, signal);
    });
  }
  if (!isComplete()) throw new Error(`The jars of Cassandra ${version} did not arrive in ${libDir}`);
  return { version, libDir, java };
}

/**
 * @param {string} home
 * @param {AbortSignal | undefined} signal
 */
async function download(home, signal) {
  await mkdir(CACHE, { recursive: true });
  const staging = await mkdtemp(path.join(CACHE, '.staging-'));
  try {
    const args = ['-B', '-q', '-f', POM, 'dependency:copy-dependencies', '-DincludeScope=runtime'];
    args.push(`-DoutputDirectory=${path.join(staging, 'lib')}`);
    await execute('mvn', args, { timeout: MAVEN_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024, ...(signal && { signal }) });
    try {
      await rename(staging, home);
    } catch (error) {
      // Another process was quicker; the caller looks whether its result is whole.
      if (!existsSync(home)) throw error;
    }
  } catch (error) {
    throw new Error(`Maven could not fetch Cassandra: ${describe(error)}`, { cause: error });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** @param {unknown} error */
function describe(error) {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'ENOENT') return 'mvn is not installed (Debian: apt-get install maven)';
  const output = ['stdout', 'stderr']
    .map((key) => String(Reflect.get(error, key) ?? '').trim())
    .join('\n')
    .trim();
  return output.split('\n').slice(-15).join('\n') || error.message;
}

function versionInPom() {
  const version = /<cassandra\.version>([^<]+)</.exec(readFileSync(POM, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${POM} names no cassandra.version`);
  return version;
}

/** The `java` of a JDK 17: in JAVA_HOME, on the PATH, or where Linux distributions and macOS keep JDKs. */
async function findJava() {
  const seen = [];
  for (const java of javaCandidates()) {
    const major = await majorVersion(java);
    if (major === JDK_MAJOR) return java;
    if (major !== undefined) seen.push(`${java} is ${major}`);
  }
  const hint = 'Debian: apt-get install openjdk-17-jdk-headless';
  throw new Error(`Cassandra 5.0 needs a JDK ${JDK_MAJOR}; found ${seen.join(', ') || 'no JDK'} (${hint})`);
}

function* javaCandidates() {
  const javaHome = process.env['JAVA_HOME'];
  if (javaHome) yield path.join(javaHome, 'bin', 'java');
  yield 'java';
  for (const [root, inside] of /** @type {const} */ ([
    ['/usr/lib/jvm', ''],
    ['/Library/Java/JavaVirtualMachines', 'Contents/Home'],
  ])) {
    if (!existsSync(root)) continue;
    for (const name of readdirSync(root)) {
      if (name.includes(JDK_MAJOR)) yield path.join(root, name, inside, 'bin', 'java');
    }
  }
}

/** @param {string} java */
async function majorVersion(java) {
  try {
    const { stderr, stdout } = await execute(java, ['-version'], { timeout: 30_000 });
    return /version "(\d+)/.exec(stderr + stdout)?.[1];
  } catch {
    return undefined;
  }
}
