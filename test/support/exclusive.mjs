// A lock between processes, for installations that two test runs may start at the same moment.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;
/** A lock without an owner's name is one whose owner died (or is) between mkdir and writeFile; this long is given it. */
const NAMELESS_GRACE_MS = 5_000;

/** @type {typeof import('./exclusive.d.mts').exclusive} */
export async function exclusive({ lockDir, timeoutMs, signal }, work) {
  await mkdir(path.dirname(lockDir), { recursive: true });
  await acquire(lockDir, Date.now() + timeoutMs, signal);
  try {
    return await work();
  } finally {
    await rm(lockDir, { recursive: true, force: true });
  }
}

/**
 * @param {string} lockDir
 * @param {number} deadlineMs
 * @param {AbortSignal | undefined} signal
 */
async function acquire(lockDir, deadlineMs, signal) {
  let namelessSinceMs = 0;
  for (;;) {
    try {
      await mkdir(lockDir);
      await writeFile(path.join(lockDir, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (!isCode(error, 'EEXIST') && !isCode(error, 'ENOENT')) throw error;
    }
    const owner = await readOwner(lockDir);
    if (owner === undefined) {
      namelessSinceMs ||= Date.now();
      if (Date.now() - namelessSinceMs > NAMELESS_GRACE_MS) await rm(lockDir, { recursive: true, force: true });
    } else {
      namelessSinceMs = 0;
      if (!isAlive(owner)) await rm(lockDir, { recursive: true, force: true });
    }
    if (Date.now() > deadlineMs) {
      throw new Error(`Gave up waiting for the lock ${lockDir}${owner === undefined ? '' : ` of process ${owner}`}`);
    }
    await sleep(POLL_MS, undefined, signal ? { signal } : {});
  }
}

/** @param {string} lockDir */
async function readOwner(lockDir) {
  try {
    const pid = Number(await readFile(path.join(lockDir, 'pid'), 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, 'EPERM');
  }
}

/**
 * @param {unknown} error
 * @param {string} code
 */
function isCode(error, code) {
  return error instanceof Error && 'code' in error && error.code === code;
}
