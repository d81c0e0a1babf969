/** Changes attributes of a version that was read and authorized before: tags, ACL, retention. Its data stays. */
import type { ObjectVersion, VersionSelector } from '../store/types.js';
import { missing } from './access.js';
import type { OperationContext } from './context.js';
import { keyOf, regionOf } from './context.js';
import type { Cause } from './event-record.js';
import { eventsOf } from './events.js';
import { replicaChange, requestedReplica } from './replica-request.js';
import { replicating } from './replicating.js';

/**
 * @throws S3Error NoSuchKey or NoSuchVersion when the version that was checked has been replaced meanwhile: another one's
 * attributes are not this request's business
 */
export async function changeVersion(
  context: OperationContext,
  {
    version,
    select,
    cause,
  }: {
    readonly version: ObjectVersion;
    readonly select: VersionSelector;
    /** for who is notified of it; absent: S3 tells nobody */
    readonly cause?: Cause;
  },
  change: (current: ObjectVersion) => ObjectVersion,
): Promise<void> {
  const { bucket, services } = context;
  const key = keyOf(context);
  const { metadata } = regionOf(context, bucket);
  const of = { bucket, key, select: { versionId: version.versionId } };
  const replica = requestedReplica(context, 'ReplicateTags');
  if (replica !== null) {
    await metadata.commit({
      ...of,
      decide: ({ selected }) => {
        if (selected?.seq !== version.seq) throw missing(select, key);
        const replace = replicaChange(selected, change(selected), replica);
        return replace === null ? null : { replace };
      },
    });
    return;
  }
  await metadata.commit({
    ...of,
    ...eventsOf(context, { bucket, key, cause: cause ?? null }),
    decide: replicating({ bucket, key, nowMs: services.now() }, ({ selected }) => {
      if (selected?.seq !== version.seq) throw missing(select, key);
      return { replace: change(selected) };
    }),
  });
}
