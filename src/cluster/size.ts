/** How many processes serve when the configuration says 'auto'. */

/** What a worker may need under load: heap, buffers of its share, the driver. */
const WORKER_MEMORY_BYTES = 384 * 1024 * 1024;
/** One process accepts for all: more workers than this wait for it. */
const MAX_WORKERS = 32;

export interface Machine {
  /** cores this process may run on */
  readonly cores: number;
  /** memory this process may use (a container's limit), bytes; 0 or undefined: as much as there is */
  readonly memoryLimitBytes: number | undefined;
}

/** One per core, fewer where a container's memory limit would be in danger; at least one. */
export function automaticWorkers({ cores, memoryLimitBytes }: Machine): number {
  const fitting =
    memoryLimitBytes === undefined || memoryLimitBytes === 0
      ? MAX_WORKERS
      : Math.floor(memoryLimitBytes / WORKER_MEMORY_BYTES);
  return Math.max(1, Math.min(cores, fitting, MAX_WORKERS));
}
