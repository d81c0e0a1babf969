// Ends servers that an earlier command left running on purpose.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { livePid, pidFile } from './server-process.mjs';

const STOP_GRACE_MS = 30_000;
const POLL_MS = 100;

/** @type {typeof import('./index.d.mts').stopDetached} */
export async function stopDetached({ dir }) {
  const root = path.resolve(dir);
  const inside = existsSync(root)
    ? readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    : [];
  const dirs = [root, ...inside.map((entry) => path.join(root, entry.name))];
  const stopped = await Promise.all(dirs.map((each) => stopOne(each)));
  return stopped.filter((pid) => pid !== undefined);
}

/** @param {string} dir */
async function stopOne(dir) {
  const pid = livePid(dir);
  if (pid === undefined) return undefined;
  const deadlineMs = performance.now() + STOP_GRACE_MS;
  process.kill(pid, 'SIGTERM');
  while (livePid(dir) !== undefined) {
    if (performance.now() > deadlineMs) process.kill(pid, 'SIGKILL');
    await sleep(POLL_MS);
  }
  rmSync(pidFile(dir), { force: true });
  return pid;
}
