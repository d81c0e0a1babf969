/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html */
import type { LoggingConfiguration } from '../logging.js';
import type { ListedGrant } from './access-control.js';
import { grantElement, readGrant } from './access-control.js';
import { element, parent, xmlDocument } from './build.js';
import { parseXml } from './parse.js';
import type { XmlNode } from './parse.js';

export type RequestedLogging = Omit<LoggingConfiguration, 'acl'> & { readonly grants: readonly ListedGrant[] };

/** null: logging is to be switched off. @throws S3Error MalformedXML */
export function parseBucketLoggingStatus(body: Buffer | string): RequestedLogging | null {
  const root = parseXml(body, { root: 'BucketLoggingStatus' });
  root.allowOnly('LoggingEnabled');
  const enabled = root.child('LoggingEnabled');
  if (enabled === undefined) return null;
  enabled.allowOnly('TargetBucket', 'TargetPrefix', 'TargetGrants', 'TargetObjectKeyFormat');
  const grants = enabled.child('TargetGrants');
  grants?.allowOnly('Grant');
  for (const grant of grants?.elements ?? []) grant.choice('Permission', TARGET_PERMISSIONS);
  return {
    targetBucket: enabled.requiredText('TargetBucket').trim(),
    targetPrefix: enabled.requiredText('TargetPrefix'),
    keyFormat: keyFormatOf(enabled.child('TargetObjectKeyFormat')),
    grants: (grants?.elements ?? []).map(readGrant),
  };
}

function keyFormatOf(format: XmlNode | undefined): LoggingConfiguration['keyFormat'] {
  if (format === undefined) return 'default';
  format.allowOnly('SimplePrefix', 'PartitionedPrefix');
  const partitioned = format.child('PartitionedPrefix');
  if (format.elements.length !== 1) throw format.fault('TargetObjectKeyFormat needs one format');
  if (partitioned === undefined) return 'simple';
  partitioned.allowOnly('PartitionDateSource');
  const source = partitioned.choice('PartitionDateSource', ['EventTime', 'DeliveryTime']);
  return source === 'EventTime' ? 'by-event-time' : 'by-delivery-time';
}

const TARGET_PERMISSIONS = ['FULL_CONTROL', 'READ', 'WRITE'] as const;

export function bucketLoggingStatus(
  configuration: (LoggingConfiguration & { readonly grants: readonly ListedGrant[] }) | null,
): string {
  if (configuration === null) return xmlDocument('BucketLoggingStatus', '');
  const { targetBucket, targetPrefix, keyFormat, grants } = configuration;
  return xmlDocument(
    'BucketLoggingStatus',
    parent(
      'LoggingEnabled',
      element('TargetBucket', targetBucket) +
        element('TargetPrefix', targetPrefix) +
        (grants.length === 0 ? '' : parent('TargetGrants', grants.map(grantElement).join(''))) +
        (keyFormat === 'default' ? '' : parent('TargetObjectKeyFormat', FORMATS[keyFormat])),
    ),
  );
}

const FORMATS = {
  simple: parent('SimplePrefix', ''),
  'by-event-time': parent('PartitionedPrefix', element('PartitionDateSource', 'EventTime')),
  'by-delivery-time': parent('PartitionedPrefix', element('PartitionDateSource', 'DeliveryTime')),
};
