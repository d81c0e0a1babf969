/** DeleteObject. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html */
import { consistencyOf } from '../../store/consistency.js';
import type { BucketRecord } from '../../store/types.js';
import type { DeleteConditions } from '../conditions.js';
import { checkDelete, deleteConditionsOf } from '../conditions.js';
import type { OperationContext } from '../context.js';
import { keyOf, ownerOf, regionOf } from '../context.js';
import { eventsOf } from '../events.js';
import { lockJudgement } from '../object-lock-access.js';
import { checkRemovable } from '../object-lock.js';
import type { Handler } from '../operation.js';
import { emptyResponse } from '../operation.js';
import { notInQuorumBucket } from '../quorum-bucket.js';
import type { ReplicaFacts } from '../replica-request.js';
import { placeReplica, replicaSelector, requestedReplica } from '../replica-request.js';
import { replicating } from '../replicating.js';
import { deleteChange, deleteMarker, selectorOf, versionIdHeader } from '../versioning.js';

export const deleteObject: Handler = async (context) => {
  const { bucket, request } = context;
  const key = keyOf(context);
  const replica = requestedReplica(context, 'ReplicateDelete');
  if (replica !== null && !request.query.has('versionId')) {
    await placeMarker(context, key, replica);
    return emptyResponse(204, { 'x-amz-delete-marker': 'true', 'x-amz-version-id': replica.versionId });
  }
  const outcome = await deleteOne(context, bucket, {
    key,
    versionId: request.query.get('versionId'),
    conditions: deleteConditionsOf(request.headers),
  });
  return emptyResponse(204, {
    ...(outcome.deleteMarker ? { 'x-amz-delete-marker': 'true' } : {}),
    ...(outcome.versionId === null ? {} : versionIdHeader(bucket.versioning, outcome.versionId)),
  });
};

/** @throws S3Error InvalidRequest */
async function placeMarker(context: OperationContext, key: string, replica: ReplicaFacts): Promise<void> {
  const { bucket } = context;
  const marker = deleteMarker({ owner: ownerOf(context.identity), nowMs: replica.lastModified });
  await regionOf(context, bucket).metadata.commit({
    bucket,
    key,
    select: replicaSelector(replica),
    ...eventsOf(context, { bucket, key, cause: 'ObjectRemoved' }),
    decide: (state) => placeReplica(state, marker, replica),
  });
}

export interface DeleteTarget {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly conditions: DeleteConditions;
}

export interface DeleteOutcome {
  /** a delete marker was made, or the version removed was one */
  readonly deleteMarker: boolean;
  /** the version that was removed or made; null when nothing was there to delete */
  readonly versionId: string | null;
}

/**
 * Deletes a key or one version; what is not there counts as deleted.
 * @throws S3Error AccessDenied for a version that Object Lock protects, PreconditionFailed, NotImplemented for conditions in a quorum bucket
 */
export async function deleteOne(
  context: OperationContext,
  bucket: BucketRecord,
  target: DeleteTarget,
): Promise<DeleteOutcome> {
  const { key, versionId, conditions } = target;
  if (consistencyOf(bucket) === 'quorum' && Object.values(conditions).some((condition) => condition !== undefined))
    throw notInQuorumBucket('A conditional deletion');
  const region = regionOf(context, bucket);
  const events = eventsOf(context, { bucket, key, cause: 'ObjectRemoved' });
  if (versionId !== undefined && versionId !== '') {
    const judgement = lockJudgement(context, bucket, key);
    const commit = await region.metadata.commit({
      bucket,
      key,
      select: selectorOf(versionId),
      ...events,
      decide: (state) => {
        checkDelete(conditions, state.selected);
        if (state.selected === null) return null;
        checkRemovable(state.selected, judgement);
        return { remove: [state.selected] };
      },
    });
    return { deleteMarker: commit.before.selected?.deleteMarker ?? false, versionId };
  }
  const marker = { owner: ownerOf(context.identity), nowMs: context.services.now() };
  const commit = await region.metadata.commit({
    bucket,
    key,
    select: 'latest',
    ...events,
    decide: replicating({ bucket, key, nowMs: marker.nowMs }, (state) => {
      const current = state.latest?.deleteMarker === true ? null : state.latest;
      checkDelete(conditions, current);
      return deleteChange(bucket.versioning, state, marker);
    }),
  });
  const { version } = commit;
  return version === null
    ? { deleteMarker: false, versionId: null }
    : { deleteMarker: true, versionId: version.versionId };
}
