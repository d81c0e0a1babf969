// Types of processes.mjs.

/**
 * The command line that runs `command` such that Linux kills it when the thread that spawned it ends, however it ends: a test
 * run that is itself killed leaves no server behind. Elsewhere the command line as it is: add an exit handler.
 */
export function boundToThisProcess(command: string, args: readonly string[]): [string, readonly string[]];

/** Resident memory of a process now. Fails when there is no such process. */
export function rssBytesOf(pid: number): number;

/** Highest resident memory of a process so far. Linux only. */
export function peakRssBytesOf(pid: number): number;
