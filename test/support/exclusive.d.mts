// Types of exclusive.mjs.

/**
 * Runs `work` while no other process on this machine runs the work of the same `lockDir`. A lock whose owner has died is taken
 * over, in a race possibly by two: so `work` must publish its result atomically (rename), and the lock only saves doing it
 * twice. Fails when the lock is not had within `timeoutMs`.
 */
export function exclusive<T>(
  options: { readonly lockDir: string; readonly timeoutMs: number; readonly signal?: AbortSignal },
  work: () => Promise<T>,
): Promise<T>;
