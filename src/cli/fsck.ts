/** fsck: proves that what is stored belongs together, and reports what does not. */
import { parseDurationMs } from '../config/units.js';
import { NO_USAGE, addUsage } from '../maintenance/usage.js';
import type { Usage } from '../maintenance/usage.js';
import type { Problem } from '../maintenance/figures.js';
import { runFsck } from '../maintenance/fsck.js';
import type { FsckRun } from '../maintenance/fsck.js';
import { ForeignStateError } from '../maintenance/state-file.js';
import type { BucketRecord, BucketStore } from '../store/types.js';
import { CliUsageError, EXIT, textOption } from './context.js';
import type { CliContext, ExitCode } from './context.js';

export async function fsck(context: CliContext): Promise<ExitCode> {
  const { options, output, signal, config } = context;
  const { stores } = await context.stores();
  const minAge = textOption(options, 'min-age');
  const throttle = textOption(options, 'throttle');
  const stateFile = textOption(options, 'state');
  const { intentLeaseMs, graceMs } = config.gc;
  let run: FsckRun;
  try {
    run = await runFsck({
      stores,
      bucket: await namedBucket(stores.buckets, textOption(options, 'bucket')),
      data: options['data'] === true,
      repair: options['repair'] === true,
      minAgeMs: minAge === null ? intentLeaseMs + graceMs : (parseDurationMs(minAge) ?? 0),
      perSecond: throttle === null ? null : Number(throttle),
      stateFile,
      signal,
      onProgress: (progress) => output.progress(progress),
      now: Date.now,
    });
  } catch (error) {
    if (error instanceof ForeignStateError) throw new CliUsageError(error.message);
    if (stateFile !== null) output.note(`pithos: ${stateFile} remembers how far it got`);
    throw error;
  }
  try {
    if (options['json'] === true) await writeJson(context, run);
    else await writeText(context, run);
    await run.work.close({ keep: false });
  } catch (error) {
    await run.work.close({ keep: true });
    throw error;
  }
  return run.work.figures.problems === 0 ? EXIT.clean : EXIT.problems;
}

async function namedBucket(store: BucketStore, name: string | null): Promise<BucketRecord | null> {
  if (name === null) return null;
  const bucket = await store.get(name, { fresh: true });
  if (bucket === null) throw new CliUsageError(`there is no bucket '${name}'`);
  return bucket;
}

interface UsageRow extends Usage {
  readonly bucket: string;
  readonly tenant: string;
}

function usageRows({ work, buckets }: FsckRun): UsageRow[] {
  const rows: UsageRow[] = [];
  for (const { name, instance, owner } of buckets.all()) {
    const usage = work.usage.get(instance);
    if (usage !== undefined) rows.push({ bucket: name, tenant: owner.id, ...usage });
  }
  return rows.sort((a, b) => (a.bucket < b.bucket ? -1 : 1));
}

async function writeJson({ output, options }: CliContext, run: FsckRun): Promise<void> {
  const { work } = run;
  const rows = usageRows(run);
  const tenants = new Map<string, Usage>();
  for (const { bucket: _bucket, tenant, ...usage } of rows)
    tenants.set(tenant, addUsage(tenants.get(tenant) ?? NO_USAGE, usage));
  const head = {
    format: 'pithos-fsck/1',
    startedAt: new Date(work.startedMs).toISOString(),
    endedAt: new Date().toISOString(),
    options: { ...options },
    clean: work.figures.problems === 0,
    figures: work.figures,
    usage: { buckets: rows, tenants: [...tenants].map(([tenant, usage]) => ({ tenant, ...usage })) },
  };
  await output.write(`${JSON.stringify(head).slice(0, -1)},"problems":[`);
  let first = true;
  for await (const problem of work.problems()) {
    await output.write(`${first ? '' : ','}\n${JSON.stringify(problem)}`);
    first = false;
  }
  await output.line(']}');
}

async function writeText({ output }: CliContext, run: FsckRun): Promise<void> {
  const { figures: f } = run.work;
  for await (const problem of run.work.problems()) await output.line(textOf(problem));
  for (const { bucket, bytes, objects, versions, uploads } of usageRows(run))
    await output.line(`${bucket}: ${bytes} bytes, ${objects} objects, ${versions} versions, ${uploads} uploads`);
  await output.line(
    `${f.buckets} buckets, ${f.versions} versions, ${f.deleteMarkers} delete markers, ${f.uploads} uploads with ${f.parts} ` +
      `parts, ${f.listingRows} listing rows, ${f.blobs} blobs (${f.checkedBlobs} looked at, ${f.checkedChunks} chunks read)`,
  );
  await output.line(
    `waiting for the sweeper: ${f.backlogCommits} commits, ${f.backlogIntents} intents, ${f.backlogGarbage} garbage; ` +
      `${f.backlogBlobs} blobs, ${f.pendingKeys} listings; ${f.youngBlobs} blobs too young to judge`,
  );
  await output.line(
    f.problems === 0 ? 'clean' : `${f.problems} problems (${f.repaired} repaired), ${f.orphans} of them orphans`,
  );
}

function textOf(problem: Problem): string {
  const { kind, what, repaired, bucket, key, versionId, uploadId, partNumber, inode, place, writtenAt } = problem;
  const about = [
    bucket === undefined ? null : `bucket ${bucket}`,
    key === undefined ? null : `key ${JSON.stringify(key)}`,
    versionId === undefined ? null : `version ${versionId}`,
    uploadId === undefined ? null : `upload ${uploadId}`,
    partNumber === undefined ? null : `part ${partNumber}`,
    inode === undefined ? null : `inode ${inode}`,
    place === undefined ? null : `in ${place}`,
    (writtenAt ?? null) === null ? null : `of ${writtenAt}`,
  ].filter((word) => word !== null);
  return `${kind}${repaired ? ' (repaired)' : ''}: ${about.join(', ')}: ${what}`;
}
