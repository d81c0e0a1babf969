/**
 * GetObjectTorrent. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTorrent.html
 * AWS ended BitTorrent in April 2022, and here it never was: no object has a torrent, whoever may read the object is told that none
 * is there.
 */
import { loadVersion } from '../access.js';
import { keyOf } from '../context.js';
import { S3Error } from '../errors.js';
import type { Handler } from '../operation.js';

export const getObjectTorrent: Handler = async (context) => {
  await loadVersion(context, { select: 'latest', permission: 'READ', withInline: false });
  throw new S3Error('NoSuchKey', {
    message: 'There is no torrent of this object: this server does not distribute objects by BitTorrent.',
    detail: { Key: keyOf(context) },
  });
};
