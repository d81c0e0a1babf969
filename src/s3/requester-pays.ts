/**
 * Requester pays: who is not of the bucket owner's account says with every request that it bears the costs. Nothing is charged
 * here; the header is what keeps strangers from using a bucket by mistake, and operators read it from the access log.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ObjectsinRequesterPaysBuckets.html
 */
import type { BucketRecord } from '../store/types.js';
import type { Identity } from './context.js';
import { S3Error } from './errors.js';
import type { Payer } from './xml/bucket-configuration.js';

type Headers = Readonly<Record<string, string>>;

const DOCUMENT = 'requestPayment';

export function payerOf({ documents }: Pick<BucketRecord, 'documents'>): Payer {
  return documents[DOCUMENT] === 'Requester' ? 'Requester' : 'BucketOwner';
}

/** The bucket's documents with that payer. */
export function payerDocument(payer: Payer): Readonly<Record<string, string>> {
  return { [DOCUMENT]: payer };
}

type Billed = Pick<BucketRecord, 'documents' | 'owner'>;

/** The bucket's owner pays: by its choice, or because it is the caller. Master keys act for the owner. */
function ownerPays(identity: Identity, bucket: Billed): boolean {
  return payerOf(bucket) === 'BucketOwner' || identity.master || identity.tenant === bucket.owner.id;
}

/** @throws S3Error AccessDenied for anonymous callers, and for those who do not say x-amz-request-payer: requester */
export function requirePayer(identity: Identity, headers: Headers, bucket: Billed): void {
  if (ownerPays(identity, bucket)) return;
  if (identity.kind === 'anonymous' || headers['x-amz-request-payer']?.trim().toLowerCase() !== 'requester')
    throw new S3Error('AccessDenied', {
      message: 'The bucket is configured for requester pays: sign the request and send x-amz-request-payer: requester.',
    });
}

/** What answers say where the requester pays, once requirePayer has let it in. */
export function chargedHeaders(identity: Identity, bucket: Billed): Record<string, string> {
  return ownerPays(identity, bucket) ? {} : { 'x-amz-request-charged': 'requester' };
}
