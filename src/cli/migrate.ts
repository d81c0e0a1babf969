/** migrate: takes over what an original Pithos 0.7 has stored. */
import { existsSync } from 'node:fs';
import { loadConfig } from '../config/index.js';
import { MemoryBudget } from '../data/budget.js';
import { ForeignStateError } from '../maintenance/state-file.js';
import type { Journal, Reported } from '../migrate/journal.js';
import { NoSuchBucketError, runMigrate } from '../migrate/migrate.js';
import { OldStore } from '../migrate/old-store.js';
import { CliUsageError, EXIT, textOption } from './context.js';
import type { CliContext, ExitCode } from './context.js';

const PARALLEL = 8;

export async function migrate(context: CliContext): Promise<ExitCode> {
  const { options, output, signal, config, logs } = context;
  const from = textOption(options, 'from');
  if (from === null) throw new CliUsageError('migrate needs --from, the configuration file of the original Pithos');
  const { store, options: oldOptions } = loadConfig({ path: from });
  if (store.kind !== 'cassandra') throw new CliUsageError(`${from} names no bucketstore and regions to read from`);
  const { stores } = await context.stores();
  const stateFile = textOption(options, 'state');
  const parallel = textOption(options, 'parallel');
  const dryRun = options['dry-run'] === true;
  const old = new OldStore(store, logs.store);
  let journal: Journal;
  try {
    journal = await runMigrate({
      old,
      oldDefaultRegion: oldOptions.defaultRegion,
      stores,
      source: JSON.stringify([store.bucketstore.keyspace, store.bucketstore.contactPoints, Object.keys(store.regions)]),
      bucket: textOption(options, 'bucket'),
      dryRun,
      parallel: parallel === null ? PARALLEL : Number(parallel),
      stateFile,
      budget: new MemoryBudget({ limitBytes: config.limits.maxBufferMemoryBytes }),
      inlineThresholdBytes: config.limits.inlineThresholdBytes,
      intentLeaseMs: config.gc.intentLeaseMs,
      displayNameOf: displayNames(config.keystore.keys),
      onProgress: ({ bucket, fraction, objects, bytes }) =>
        output.progress({ label: bucket, fraction, detail: `${objects} objects, ${bytes} bytes copied` }),
      signal,
      now: Date.now,
    });
  } catch (error) {
    if (error instanceof ForeignStateError || error instanceof NoSuchBucketError)
      throw new CliUsageError(error.message);
    if (stateFile !== null && existsSync(stateFile)) output.note(`pithos: ${stateFile} remembers how far it got`);
    throw error;
  } finally {
    await old.close();
  }
  let written = false;
  try {
    if (options['json'] === true) await writeJson(context, journal);
    else await writeText(context, journal, dryRun);
    written = true;
  } finally {
    await journal.close({ keep: !written });
  }
  return journal.figures.problems === 0 ? EXIT.clean : EXIT.problems;
}

function displayNames(
  keys: Readonly<Record<string, { readonly tenant: string; readonly displayName?: string }>>,
): (tenant: string) => string {
  const names = new Map(Object.values(keys).map(({ tenant, displayName }) => [tenant, displayName ?? tenant]));
  return (tenant) => names.get(tenant) ?? tenant;
}

async function writeJson({ output, options }: CliContext, journal: Journal): Promise<void> {
  const head = {
    format: 'pithos-migrate/1',
    startedAt: new Date(journal.startedMs).toISOString(),
    endedAt: new Date().toISOString(),
    resumed: journal.resumed,
    options: { ...options },
    complete: journal.figures.problems === 0,
    figures: journal.figures,
  };
  await output.write(`${JSON.stringify(head).slice(0, -1)},"findings":[`);
  let first = true;
  for await (const finding of journal.findings()) {
    await output.write(`${first ? '' : ','}\n${JSON.stringify(finding)}`);
    first = false;
  }
  await output.line(']}');
}

async function writeText({ output }: CliContext, journal: Journal, dryRun: boolean): Promise<void> {
  const { figures: f } = journal;
  for await (const finding of journal.findings()) await output.line(textOf(finding));
  await output.line(
    `${f.buckets} buckets (${f.bucketsCreated} created), ${f.objects} objects: ${f.migrated} ${dryRun ? 'to copy' : 'copied'} with ` +
      `${f.bytes} bytes, ${f.already} here already, ${f.kept} newer here, ${f.empty} without data, ${f.refused} refused; ` +
      `${f.unfinishedUploads} unfinished uploads left out`,
  );
  await output.line(f.problems === 0 ? 'complete' : `${f.problems} problems: something was not taken over`);
}

function textOf({ problem, kind, bucket, key, what }: Reported): string {
  const about = key === undefined ? `bucket ${bucket}` : `bucket ${bucket}, key ${JSON.stringify(key)}`;
  return `${problem ? 'PROBLEM' : 'note'} ${kind}: ${about}: ${what}`;
}
