// What the fuzzer's requests are about: a bucket of the caller, and a private object of somebody else.
import { randomBytes } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { Credentials } from '../support/config.js';
import { seedsFor } from './seeds.js';
import type { World } from './cases.js';

export interface WorldParts {
  readonly host: string;
  readonly user: Credentials;
  readonly other: Credentials;
  readonly userS3: S3Client;
  readonly otherS3: S3Client;
}

/** The world, and what no answer may hold. */
export async function makeWorld(
  parts: WorldParts,
): Promise<{ readonly world: World; readonly secrets: readonly string[] }> {
  const { userS3, otherS3, user, other, host } = parts;
  const suffix = randomBytes(6).toString('hex');
  const [bucket, hidden, key] = [`fuzz-${suffix}`, `hidden-${suffix}`, 'some/key'];
  const secret = `SECRET${randomBytes(16).toString('hex')}`;
  await userS3.send(new CreateBucketCommand({ Bucket: bucket }));
  await userS3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  await userS3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'a,1\nb,7\n' }));
  const { UploadId: uploadId = '' } = await userS3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key }));
  await otherS3.send(new CreateBucketCommand({ Bucket: hidden }));
  await otherS3.send(new PutObjectCommand({ Bucket: hidden, Key: 'secret', Body: secret, Metadata: { secret } }));
  const world = {
    host,
    user,
    other,
    seeds: seedsFor({ bucket, key, uploadId }),
    privatePath: `/${hidden}/secret`,
    uploadPath: `/${bucket}/${key}/chunks`,
  };
  return { world, secrets: [secret, user.secretAccessKey, other.secretAccessKey] };
}
