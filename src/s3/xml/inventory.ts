/**
 * InventoryConfiguration and ListInventoryConfigurationsResult.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_InventoryConfiguration.html
 */
import { S3Error } from '../errors.js';
import type {
  InventoryConfiguration,
  InventoryDestination,
  InventoryEncryption,
  InventoryField,
  InventoryFormat,
} from '../inventory.js';
import { INVENTORY_FIELDS } from '../inventory.js';
import { element, optional, parent, xmlDocument } from './build.js';
import type { XmlNode } from './parse.js';
import { parseXml } from './parse.js';

/** @throws S3Error MalformedXML, InvalidS3DestinationBucket (its ARN), NotImplemented (ORC) */
export function parseInventoryConfiguration(
  body: Buffer | string,
  limits: { readonly maxBytes?: number } = {},
): InventoryConfiguration {
  const root = parseXml(body, { root: 'InventoryConfiguration', ...limits });
  root.allowOnly('Destination', 'IsEnabled', 'Filter', 'Id', 'IncludedObjectVersions', 'OptionalFields', 'Schedule');
  const enabled = root.boolean('IsEnabled');
  if (enabled === undefined) throw root.fault('InventoryConfiguration needs IsEnabled');
  const versions = root.choice('IncludedObjectVersions', ['All', 'Current']);
  if (versions === undefined) throw root.fault('InventoryConfiguration needs IncludedObjectVersions');
  const schedule = root.requiredChild('Schedule');
  schedule.allowOnly('Frequency');
  const frequency = schedule.choice('Frequency', ['Daily', 'Weekly']);
  if (frequency === undefined) throw schedule.fault('Schedule needs a Frequency');
  const destination = root.requiredChild('Destination');
  destination.allowOnly('S3BucketDestination');
  return {
    id: root.requiredText('Id'),
    enabled,
    prefix: parseFilter(root.child('Filter')),
    allVersions: versions === 'All',
    frequency,
    fields: parseFields(root.child('OptionalFields')),
    destination: parseDestination(destination.requiredChild('S3BucketDestination')),
  };
}

function parseFilter(filter: XmlNode | undefined): string | null {
  if (filter === undefined) return null;
  filter.allowOnly('Prefix');
  return filter.requiredText('Prefix');
}

function parseFields(node: XmlNode | undefined): readonly InventoryField[] | null {
  if (node === undefined) return null;
  node.allowOnly('Field');
  const fields = node.children('Field').map((field) => {
    const text = field.ownText();
    const known = INVENTORY_FIELDS.find((name) => name === text);
    if (known === undefined) throw node.fault(`${text} is not an optional field`);
    return known;
  });
  if (new Set(fields).size < fields.length) throw node.fault('a Field is named twice');
  return fields;
}

function parseDestination(node: XmlNode): InventoryDestination {
  node.allowOnly('AccountId', 'Bucket', 'Encryption', 'Format', 'Prefix');
  const format = node.choice<InventoryFormat | 'ORC'>('Format', ['CSV', 'ORC', 'Parquet']);
  if (format === undefined) throw node.fault('S3BucketDestination needs a Format');
  if (format === 'ORC')
    throw new S3Error('NotImplemented', {
      message: 'Inventory reports in the ORC format are not implemented. Use CSV or Parquet.',
    });
  const encryption = node.child('Encryption');
  const accountId = node.text('AccountId') ?? '';
  return {
    bucket: bucketOfArn(node.requiredText('Bucket')),
    accountId: accountId === '' ? null : accountId,
    format,
    prefix: node.text('Prefix') ?? null,
    encryption: encryption === undefined ? null : parseEncryption(encryption),
  };
}

/** 'arn:aws:s3:::bucket' -> 'bucket' */
function bucketOfArn(arn: string): string {
  const [, region, account, bucket] = /^arn:aws[a-z-]*:s3:([^:]*):([^:]*):([^:/]+)$/.exec(arn) ?? [];
  if (bucket === undefined) throw new S3Error('InvalidS3DestinationBucket', { message: 'Invalid bucket ARN.' });
  if (region !== '' || account !== '')
    throw new S3Error('InvalidS3DestinationBucket', { message: 'Bucket ARN should not specify a namespace.' });
  return bucket;
}

function parseEncryption(node: XmlNode): InventoryEncryption {
  node.allowOnly('SSE-S3', 'SSE-KMS');
  if (node.elements.length !== 1) throw node.fault('Encryption needs either SSE-S3 or SSE-KMS');
  const kms = node.child('SSE-KMS');
  if (kms === undefined) {
    node.requiredChild('SSE-S3').allowOnly();
    return { kind: 'SSE-S3' };
  }
  kms.allowOnly('KeyId');
  const keyId = kms.requiredText('KeyId');
  if (keyId === '') throw kms.fault('KeyId must not be empty');
  return { kind: 'SSE-KMS', keyId };
}

export function inventoryConfiguration(configuration: InventoryConfiguration): string {
  return xmlDocument('InventoryConfiguration', content(configuration));
}

export interface InventoryPage {
  readonly configurations: readonly InventoryConfiguration[];
  /** as it was asked with; undefined on the first page */
  readonly continuationToken: string | undefined;
  /** undefined on the last page */
  readonly nextContinuationToken: string | undefined;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketInventoryConfigurations.html */
export function listInventoryConfigurationsResult(page: InventoryPage): string {
  return xmlDocument(
    'ListInventoryConfigurationsResult',
    [
      ...page.configurations.map((configuration) => parent('InventoryConfiguration', content(configuration))),
      element('IsTruncated', page.nextContinuationToken !== undefined),
      optional('ContinuationToken', page.continuationToken),
      optional('NextContinuationToken', page.nextContinuationToken),
    ].join(''),
  );
}

function content({ id, enabled, prefix, allVersions, frequency, fields, destination }: InventoryConfiguration): string {
  return [
    parent('Destination', destinationElement(destination)),
    element('IsEnabled', enabled),
    prefix === null ? '' : parent('Filter', element('Prefix', prefix)),
    element('Id', id),
    element('IncludedObjectVersions', allVersions ? 'All' : 'Current'),
    fields === null ? '' : parent('OptionalFields', fields.map((field) => element('Field', field)).join('')),
    parent('Schedule', element('Frequency', frequency)),
  ].join('');
}

function destinationElement({ bucket, accountId, format, prefix, encryption }: InventoryDestination): string {
  return parent(
    'S3BucketDestination',
    [
      encryption === null ? '' : parent('Encryption', encryptionElement(encryption)),
      optional('AccountId', accountId),
      element('Bucket', `arn:aws:s3:::${bucket}`),
      element('Format', format),
      optional('Prefix', prefix),
    ].join(''),
  );
}

function encryptionElement(encryption: InventoryEncryption): string {
  return encryption.kind === 'SSE-S3' ? element('SSE-S3', '') : parent('SSE-KMS', element('KeyId', encryption.keyId));
}
