/** Sizes as people write them. */

const FACTORS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40, P: 2 ** 50 };

/** '1.5 GiB' -> bytes; NaN when it is not a size */
export function parseSize(text: string): number {
  const [, number = '', unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([KMGTP]?)i?B?\s*$/i.exec(text) ?? [];
  return number === '' ? Number.NaN : Math.round(Number(number) * (FACTORS[unit.toUpperCase()] ?? 1));
}

/** The size in the largest unit in which it is a whole number: what parseSize reads back unchanged. */
export function exactSize(bytes: number): string {
  for (const unit of ['P', 'T', 'G', 'M', 'K']) {
    const factor = FACTORS[unit] ?? 1;
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor} ${unit}iB`;
  }
  return `${bytes} B`;
}
