/** gc: shows what waits for the sweeper, and with --drain sweeps until nothing is due. */
import { formatDuration } from '../config/units.js';
import { Sweeper } from '../gc/sweeper.js';
import type { SweepResult } from '../gc/sweeper.js';
import { BACKLOG_KINDS, countBacklog } from '../maintenance/backlog.js';
import type { BacklogFigures, BacklogKind } from '../maintenance/backlog.js';
import type { Stores } from '../store/types.js';
import { EXIT } from './context.js';
import type { CliContext, ExitCode } from './context.js';

const BATCH = 500;

interface RegionBacklog {
  readonly region: string;
  readonly backlog: Readonly<Record<BacklogKind, BacklogFigures>>;
}

/** Exit code 1: some of what was due could not be removed. */
export async function gc(context: CliContext): Promise<ExitCode> {
  const { options, output } = context;
  const { stores } = await context.stores();
  const swept = options['drain'] === true ? await drain(context, stores) : null;
  const regions = await backlogs(context, stores);
  if (options['json'] === true) {
    await output.line(JSON.stringify({ format: 'pithos-gc/1', ...(swept === null ? {} : { swept }), regions }));
  } else {
    if (swept !== null)
      await output.line(
        `removed ${swept.blobs} blobs of ${swept.entries} entries${swept.failures === 0 ? '' : `, ${swept.failures} failed`}`,
      );
    for (const { region, backlog } of regions)
      for (const kind of BACKLOG_KINDS) await output.line(textOf(region, kind, backlog[kind]));
  }
  return swept === null || swept.failures === 0 ? EXIT.clean : EXIT.problems;
}

async function drain({ logs, output, signal }: CliContext, stores: Stores): Promise<SweepResult> {
  const sweeper = new Sweeper({ stores, intervalMs: 0, batch: BATCH, log: logs.gc, now: Date.now });
  const stop = (): void => void sweeper.stop();
  signal.addEventListener('abort', stop);
  const total = { entries: 0, blobs: 0, failures: 0 };
  try {
    // What a sweep lets go may be due at once.
    for (;;) {
      output.progress({ label: 'sweeping', fraction: null, detail: `${total.entries} entries, ${total.blobs} blobs` });
      const { entries, blobs, failures } = await sweeper.sweep();
      signal.throwIfAborted();
      total.entries += entries;
      total.blobs += blobs;
      total.failures = failures;
      if (entries === 0) return total;
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function backlogs({ output, signal }: CliContext, stores: Stores): Promise<RegionBacklog[]> {
  const audit = await stores.audit();
  const found: RegionBacklog[] = [];
  for (const region of stores.regions.keys()) {
    const onEntries = (entries: number): void =>
      output.progress({ label: region, fraction: null, detail: `${entries} entries` });
    found.push({ region, backlog: await countBacklog({ audit, region, now: Date.now, signal, onEntries }) });
  }
  return found;
}

function textOf(region: string, kind: BacklogKind, figures: BacklogFigures): string {
  const { entries, blobs, bytes, due, oldestAgeMs, mostOverdueMs } = figures;
  const words = [
    `${entries} entries, ${blobs} blobs`,
    bytes === null ? 'bytes not known' : `${bytes} bytes`,
    `${due} due`,
  ];
  if (oldestAgeMs !== null) words.push(`the oldest since ${seconds(oldestAgeMs)}`);
  if (mostOverdueMs !== null) words.push(`due since ${seconds(mostOverdueMs)}`);
  return `${region} ${kind}: ${words.join(', ')}`;
}

function seconds(ms: number): string {
  return formatDuration(Math.floor(ms / 1_000) * 1_000);
}
