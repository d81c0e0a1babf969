// Sizes and durations as people write them: '128k', '10 MiB', '30s', '1h'. Pure; both return null for what they cannot read.

const SIZE = /^(\d+(?:\.\d+)?)\s*(?:([kmgtp])(?:i?b)?|b|bytes?)?$/i;
const SIZE_EXPONENTS: Readonly<Record<string, number>> = { k: 1, m: 2, g: 3, t: 4, p: 5 };

const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)?$/i;
const DURATION_UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Bytes in a size text, or null. Units are powers of 1024 whether written k, kB, or KiB (as Pithos counted them), in either
 * case; no unit means bytes. Fractions are allowed where they come out as whole bytes: '1.5k' is 1536.
 */
export function parseSizeBytes(text: string): number | null {
  const match = SIZE.exec(text.trim());
  if (match === null) return null;
  const exponent = match[2] === undefined ? 0 : (SIZE_EXPONENTS[match[2].toLowerCase()] ?? 0);
  const sizeBytes = Number(match[1]) * 1024 ** exponent;
  return Number.isSafeInteger(sizeBytes) ? sizeBytes : null;
}

/** Milliseconds in a duration text, or null. Units are ms, s, m (minutes), h and d; no unit means milliseconds. */
export function parseDurationMs(text: string): number | null {
  const match = DURATION.exec(text.trim());
  if (match === null) return null;
  const unit = match[2]?.toLowerCase() ?? 'ms';
  const factor = unit === 'ms' ? 1 : (DURATION_UNITS_MS[unit.charAt(0)] ?? 1);
  const durationMs = Number(match[1]) * factor;
  return Number.isSafeInteger(durationMs) ? durationMs : null;
}

/** A size for messages: the largest unit that divides it, '128k', '64m', '1000'. */
export function formatSize(sizeBytes: number): string {
  for (const [unit, exponent] of Object.entries(SIZE_EXPONENTS).reverse()) {
    const factor = 1024 ** exponent;
    if (sizeBytes >= factor && sizeBytes % factor === 0) return `${sizeBytes / factor}${unit}`;
  }
  return String(sizeBytes);
}

/** A duration for messages: '90s', '1h', '250ms'. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0';
  for (const [unit, factor] of Object.entries(DURATION_UNITS_MS).reverse()) {
    if (durationMs % factor === 0) return `${durationMs / factor}${unit}`;
  }
  return `${durationMs}ms`;
}
