/** replicate: leaves to the running gateways what of a bucket has failed to be replicated, or was there before its rule. */
import { requeueBucket } from '../replication/requeue.js';
import { replicationOf } from '../s3/replication.js';
import { CliUsageError, EXIT, textOption } from './context.js';
import type { CliContext, ExitCode } from './context.js';

export async function replicate(context: CliContext): Promise<ExitCode> {
  const { options, output, signal } = context;
  const name = textOption(options, 'bucket');
  if (name === null) throw new CliUsageError('--bucket is needed');
  const { stores } = await context.stores();
  const bucket = await stores.buckets.get(name, { fresh: true });
  if (bucket === null) throw new CliUsageError(`there is no bucket '${name}'`);
  if (replicationOf(bucket) === null) throw new CliUsageError(`bucket '${name}' has no replication configuration`);
  const region = stores.regions.get(bucket.region);
  if (region === undefined)
    throw new CliUsageError(`bucket '${name}' is of region '${bucket.region}', which is not configured`);
  const counts = await requeueBucket({
    metadata: region.metadata,
    bucket,
    signal,
    onPage: ({ versions, queued }) =>
      output.progress({ label: name, fraction: null, detail: `${versions} versions, ${queued} to be replicated` }),
  });
  // The gateways need not wait until this process counts as dead.
  await region.metadata.outbox.release();
  await output.line(
    options['json'] === true
      ? JSON.stringify({ bucket: name, ...counts })
      : `${name}: ${counts.queued} of ${counts.versions} versions are to be replicated`,
  );
  return EXIT.clean;
}
