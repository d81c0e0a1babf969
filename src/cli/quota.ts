/** quota: lists, shows, sets and removes quotas of buckets and tenants. */
import { parseSizeBytes } from '../config/units.js';
import { everyQuota } from '../maintenance/every-quota.js';
import type { Quota, QuotaLimits, QuotaScope } from '../store/quota-types.js';
import { quorumBucketOf } from '../store/shared/quota-scope.js';
import type { Stores } from '../store/types.js';
import { CliUsageError, EXIT, textOption } from './context.js';
import type { CliContext, ExitCode } from './context.js';

export async function quota(context: CliContext): Promise<ExitCode> {
  const { verb, options, output, signal } = context;
  const limits = limitsOf(context);
  if (verb !== 'set' && limits !== null)
    throw new CliUsageError(`quota ${verb ?? ''} takes neither --bytes nor --objects`);
  const { stores } = await context.stores();
  if (verb === 'list') return list(context, stores);
  const scope = await scopeOf(context, stores);
  if (verb === 'remove') {
    const had = await stores.quotas.remove(scope);
    if (options['json'] === true) await output.line(JSON.stringify({ format: FORMAT, removed: had }));
    else await output.line(had ? 'removed' : 'there was none');
    return EXIT.clean;
  }
  if (verb === 'set' && limits === null) throw new CliUsageError('quota set needs --bytes, --objects, or both');
  const quorum = verb === 'set' ? await quorumBucketOf(stores.buckets, scope) : null;
  if (quorum !== null) throw new CliUsageError(`a quota cannot count the quorum bucket '${quorum}'`);
  if (verb === 'set') output.progress({ label: 'setting the quota', fraction: null, detail: 'counting what is there' });
  const found =
    verb === 'set' && limits !== null
      ? await stores.quotas.set(scope, limits, { signal })
      : await stores.quotas.get(scope);
  if (options['json'] === true) await output.line(JSON.stringify({ format: FORMAT, quota: found }));
  else await output.line(found === null ? 'no quota' : textOf(found));
  return EXIT.clean;
}

const FORMAT = 'pithos-quota/1';

async function list({ options, output, signal }: CliContext, stores: Stores): Promise<ExitCode> {
  if (textOption(options, 'bucket') !== null) throw new CliUsageError('quota list takes --tenant, not --bucket');
  const json = options['json'] === true;
  const tenant = textOption(options, 'tenant');
  let first = true;
  if (json) await output.write(`{"format":"${FORMAT}","quotas":[`);
  for await (const found of everyQuota(stores.quotas, { tenant, signal })) {
    await output.write(json ? `${first ? '' : ','}\n${JSON.stringify(found)}` : `${textOf(found)}\n`);
    first = false;
  }
  if (json) await output.line('\n]}');
  return EXIT.clean;
}

async function scopeOf({ options }: CliContext, stores: Stores): Promise<QuotaScope> {
  const name = textOption(options, 'bucket');
  const tenant = textOption(options, 'tenant');
  if (name !== null && tenant !== null) throw new CliUsageError('--bucket or --tenant, not both');
  if (tenant !== null) return { kind: 'tenant', tenant };
  if (name === null) throw new CliUsageError('whose quota? --bucket or --tenant says so');
  const bucket = await stores.buckets.get(name, { fresh: true });
  if (bucket === null) throw new CliUsageError(`there is no bucket '${name}'`);
  return { kind: 'bucket', bucket };
}

function limitsOf({ options }: CliContext): QuotaLimits | null {
  const size = textOption(options, 'bytes');
  const count = textOption(options, 'objects');
  const bytes = size === null ? null : parseSizeBytes(size);
  const objects = count === null ? null : /^\d{1,15}$/.test(count) ? Number(count) : Number.NaN;
  if (size !== null && bytes === null) throw new CliUsageError(`--bytes is a size such as 500g, not '${size}'`);
  if (Number.isNaN(objects)) throw new CliUsageError(`--objects is a whole number, not '${count ?? ''}'`);
  return size === null && count === null ? null : { bytes, objects };
}

function textOf({ tenant, bucket, limits, usage }: Quota): string {
  const whose = bucket === null ? `tenant ${tenant}` : `bucket ${bucket} of ${tenant}`;
  const of = (limit: number | null): string => (limit === null ? 'any number' : String(limit));
  return `${whose}: ${usage.bytes} of ${of(limits.bytes)} bytes, ${usage.objects} of ${of(limits.objects)} objects`;
}
