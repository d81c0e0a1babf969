/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionConfiguration.html */
import type { BucketEncryption } from '../bucket-encryption.js';
import { S3Error, invalidArgument } from '../errors.js';
import { element, optional, parent, xmlDocument } from './build.js';
import type { XmlNode } from './parse.js';
import { parseXml } from './parse.js';

/** @throws S3Error MalformedXML (also for several rules); InvalidArgument; NotImplemented for aws:kms:dsse */
export function parseServerSideEncryptionConfiguration(
  body: Buffer | string,
  limits: { readonly maxBytes?: number } = {},
): BucketEncryption {
  const root = parseXml(body, { root: 'ServerSideEncryptionConfiguration', ...limits });
  root.allowOnly('Rule');
  const rule = root.requiredChild('Rule');
  rule.allowOnly('ApplyServerSideEncryptionByDefault', 'BucketKeyEnabled', 'BlockedEncryptionTypes');
  const byDefault = rule.child('ApplyServerSideEncryptionByDefault');
  const blocked = rule.child('BlockedEncryptionTypes');
  return {
    byDefault: byDefault === undefined ? null : readDefault(byDefault),
    bucketKeyEnabled: rule.boolean('BucketKeyEnabled') ?? null,
    blocked: blocked === undefined ? null : readBlocked(blocked),
  };
}

function readDefault(node: XmlNode): BucketEncryption['byDefault'] {
  node.allowOnly('SSEAlgorithm', 'KMSMasterKeyID');
  const algorithm = node.choice('SSEAlgorithm', ['AES256', 'aws:kms', 'aws:kms:dsse']);
  const keyId = node.text('KMSMasterKeyID')?.trim();
  switch (algorithm) {
    case undefined:
      throw node.fault('ApplyServerSideEncryptionByDefault needs an SSEAlgorithm');
    case 'aws:kms:dsse':
      throw new S3Error('NotImplemented', { detail: { SSEAlgorithm: algorithm } });
    case 'AES256':
      if (keyId !== undefined)
        throw invalidArgument(
          'ApplyServerSideEncryptionByDefault',
          'null',
          'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse',
        );
      return { algorithm };
    case 'aws:kms':
      return { algorithm, keyId: keyId === undefined || keyId === '' ? null : keyId };
  }
}

function readBlocked(node: XmlNode): readonly ('SSE-C' | 'NONE')[] {
  node.allowOnly('EncryptionType');
  return node.children('EncryptionType').map((child) => {
    const type = child.ownText().trim();
    if (type === 'SSE-C' || type === 'NONE') return type;
    throw node.fault('EncryptionType must be one of SSE-C, NONE');
  });
}

export function serverSideEncryptionConfiguration({ byDefault, bucketKeyEnabled, blocked }: BucketEncryption): string {
  const applied =
    byDefault === null
      ? ''
      : parent(
          'ApplyServerSideEncryptionByDefault',
          element('SSEAlgorithm', byDefault.algorithm) +
            (byDefault.algorithm === 'aws:kms' ? optional('KMSMasterKeyID', byDefault.keyId) : ''),
        );
  const types =
    blocked === null
      ? ''
      : parent('BlockedEncryptionTypes', blocked.map((type) => element('EncryptionType', type)).join(''));
  const rule = parent('Rule', applied + element('BucketKeyEnabled', bucketKeyEnabled ?? false) + types);
  return xmlDocument('ServerSideEncryptionConfiguration', rule);
}
