// What tests need to know of and do to the server processes that they start.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** @type {typeof import('./processes.d.mts').boundToThisProcess} */
export function boundToThisProcess(command, args) {
  const setpriv = '/usr/bin/setpriv';
  if (process.platform !== 'linux' || !existsSync(setpriv)) return [command, args];
  return [setpriv, ['--pdeathsig', 'KILL', '--', command, ...args]];
}

/** @type {typeof import('./processes.d.mts').rssBytesOf} */
export function rssBytesOf(pid) {
  return process.platform === 'linux' ? familyBytes(pid, 'VmRSS') : bytesOf(ps(pid), pid);
}

/** @type {typeof import('./processes.d.mts').peakRssBytesOf} */
export function peakRssBytesOf(pid) {
  if (process.platform !== 'linux')
    throw new Error('The peak of resident memory is read from /proc, which only Linux has');
  return familyBytes(pid, 'VmHWM');
}

/**
 * Of a process and its workers.
 * @param {number} pid
 * @param {string} field
 * @returns {number}
 */
function familyBytes(pid, field) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return children.reduce((sum, child) => sum + familyBytes(child, field), statusBytes(pid, field));
}

/**
 * @param {number} pid
 * @param {string} field
 */
function statusBytes(pid, field) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return bytesOf(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1], pid);
}

/** @param {number} pid */
function ps(pid) {
  return execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8', timeout: 10_000 }).trim();
}

/**
 * @param {string | undefined} kib
 * @param {number} pid
 */
function bytesOf(kib, pid) {
  const sizeBytes = Number(kib) * 1024;
  if (!Number.isFinite(sizeBytes)) throw new Error(`No memory figure for process ${pid}`);
  return sizeBytes;
}
