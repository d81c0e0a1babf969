// Results as a table and a plot for docs/performance.md.

const SIZES = [
  [1024 * 1024, 'MiB'],
  [1024, 'KiB'],
];

export function sizeText(bytes) {
  if (bytes === null) return '';
  const [unit, name] = SIZES.find(([size]) => bytes >= size) ?? [1, 'B'];
  return `${bytes / unit} ${name}`;
}

const rounded = (value) =>
  value === null || value === undefined ? '' : value >= 100 ? String(Math.round(value)) : value.toPrecision(3);

/** Markdown: a row per store, operation, size and number of connections. */
export function table(rows) {
  const lines = rows.map((row) =>
    [
      row.store,
      row.operation,
      sizeText(row.size),
      row.connections,
      rounded(row.pithos.perSecond),
      rounded(row.pithos.mibPerSecond || null),
      rounded(row.pithos.p50Ms),
      rounded(row.pithos.p99Ms),
      rounded(row.pithos.cpuMsPerOperation),
      rounded(row.pithos.peakRssMib),
      rounded(row.ofBare),
      rounded(row.ofRaw),
    ].join(' | '),
  );
  return [
    '| store | operation | size | connections | per second | MiB/s | p50 ms | p99 ms | CPU ms per operation | peak RSS MiB | of bare HTTP | of the raw store |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...lines.map((line) => `| ${line} |`),
  ].join('\n');
}

const BAR_HEIGHT = 14;
const LABEL_WIDTH = 240;
const PLOT_WIDTH = 620;

/** SVG: the ratios to both ceilings as bars; 1 is the ceiling itself. */
export function plot(rows, title) {
  const highest = Math.max(1, ...rows.flatMap(({ ofBare, ofRaw }) => [ofBare ?? 0, ofRaw ?? 0]));
  const scale = (PLOT_WIDTH - 60) / highest;
  const height = 60 + rows.length * (2 * BAR_HEIGHT + 6);
  const bars = rows.flatMap((row, index) => {
    const y = 40 + index * (2 * BAR_HEIGHT + 6);
    const label = `${row.operation} ${sizeText(row.size)} × ${row.connections}`;
    const bar = (value, offset, color) =>
      value === null
        ? ''
        : `<rect x="${LABEL_WIDTH}" y="${y + offset}" width="${(value * scale).toFixed(1)}" height="${BAR_HEIGHT - 2}" fill="${color}"/>` +
          `<text x="${(LABEL_WIDTH + value * scale + 4).toFixed(1)}" y="${y + offset + 10}">${value.toFixed(2)}</text>`;
    return [
      `<text x="${LABEL_WIDTH - 8}" y="${y + BAR_HEIGHT}" text-anchor="end">${label}</text>`,
      bar(row.ofBare, 0, '#4477aa'),
      bar(row.ofRaw, BAR_HEIGHT, '#ee8866'),
    ];
  });
  const line = LABEL_WIDTH + scale;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${LABEL_WIDTH + PLOT_WIDTH}" height="${height}" font-family="sans-serif" font-size="11">`,
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="10" y="18" font-size="14">${title}: throughput as a share of bare HTTP (blue) and of the raw store (orange)</text>`,
    ...bars,
    `<line x1="${line}" y1="30" x2="${line}" y2="${height - 10}" stroke="#888" stroke-dasharray="4 3"/>`,
    '</svg>',
    '',
  ].join('\n');
}
