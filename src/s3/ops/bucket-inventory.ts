/**
 * GetBucketInventoryConfiguration, PutBucketInventoryConfiguration, DeleteBucketInventoryConfiguration and
 * ListBucketInventoryConfigurations. Reports in the ORC format are refused by name; a destination that is not there is refused
 * when the configuration is put, not when the first report fails.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketInventoryConfiguration.html
 */
import { requireAccess } from '../access.js';
import { needs } from '../access-actions.js';
import { MAX_KEY_BYTES } from '../bucket-name.js';
import type { OperationContext } from '../context.js';
import { checkBucketDefault } from '../encryption.js';
import { S3Error, invalidArgument } from '../errors.js';
import type { InventoryConfiguration, InventoryEncryption } from '../inventory.js';
import {
  inventoryDocument,
  inventoryFolder,
  inventoryIds,
  inventoryLeaseDocument,
  inventoryOf,
  MAX_INVENTORIES,
} from '../inventory.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { decodeToken, encodeToken } from '../paging.js';
import { compareKeys } from '../../store/key-order.js';
import { xmlBody } from '../xml-body.js';
import {
  inventoryConfiguration,
  listInventoryConfigurationsResult,
  parseInventoryConfiguration,
} from '../xml/documents.js';

const PAGE = 100;
/** The longest name that a report adds to its folder. */
const LONGEST_NAME = '/data/00000000-0000-0000-0000-000000000000.parquet';

export const getBucketInventoryConfiguration: Handler = async (context) => {
  const { bucket } = context;
  const configuration = inventoryOf(bucket, idOf(context));
  if (configuration === null) throw new S3Error('NoSuchConfiguration');
  return xmlResponse(inventoryConfiguration(configuration));
};

export const listBucketInventoryConfigurations: Handler = async ({ bucket, request }) => {
  const token = request.query.get('continuation-token');
  const after = token === undefined || token === '' ? '' : decodeToken(token);
  const ids = inventoryIds(bucket).filter((id) => compareKeys(id, after) > 0);
  const page = ids.slice(0, PAGE);
  const last = page.at(-1);
  return xmlResponse(
    listInventoryConfigurationsResult({
      configurations: page.flatMap((id) => inventoryOf(bucket, id) ?? []),
      continuationToken: token,
      nextContinuationToken: ids.length > PAGE && last !== undefined ? encodeToken(last) : undefined,
    }),
  );
};

export const putBucketInventoryConfiguration: Handler = async (context) => {
  const { bucket, services } = context;
  const id = idOf(context);
  const body = await xmlBody(context, { required: true });
  const configuration = parseInventoryConfiguration(body, { maxBytes: services.settings.maxXmlBytes });
  if (configuration.id !== id) throw new S3Error('IdMismatch');
  checkLengths(bucket.name, configuration);
  requireFields(context, configuration);
  await checkDestination(context, configuration);
  const text = JSON.stringify(configuration);
  await services.stores.buckets.update(bucket, (current) => {
    const document = inventoryDocument(id);
    const before = current.documents[document];
    if (before === undefined && inventoryIds(current).length >= MAX_INVENTORIES)
      throw new S3Error('TooManyConfigurations');
    // Without the runners' note the next one to come by makes a report by the new configuration.
    return before === text ? {} : { documents: { [document]: text, [inventoryLeaseDocument(id)]: null } };
  });
  return emptyResponse(200);
};

export const deleteBucketInventoryConfiguration: Handler = async (context) => {
  const { bucket, services } = context;
  const id = idOf(context);
  await services.stores.buckets.update(bucket, (current) => {
    if (inventoryOf(current, id) === null) throw new S3Error('NoSuchConfiguration');
    return { documents: { [inventoryDocument(id)]: null, [inventoryLeaseDocument(id)]: null } };
  });
  return emptyResponse(204);
};

/** Letters, digits, '.', '-' and '_', 64 at most: it becomes part of keys. */
function idOf({ request }: OperationContext): string {
  const id = request.query.get('id') ?? '';
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(id)) throw new S3Error('InvalidConfigurationId');
  return id;
}

function checkLengths(source: string, configuration: InventoryConfiguration): void {
  const { prefix } = configuration;
  if (Buffer.byteLength(prefix ?? '') > MAX_KEY_BYTES)
    throw invalidArgument('Prefix', prefix ?? '', 'The prefix of the filter is longer than a key can be.');
  const longest = inventoryFolder(source, configuration) + LONGEST_NAME;
  if (Buffer.byteLength(longest) > MAX_KEY_BYTES)
    throw invalidArgument(
      'Prefix',
      configuration.destination.prefix ?? '',
      'The prefix of the destination makes the keys of the report too long.',
    );
}

/**
 * A policy may keep callers from fields (s3:InventoryAccessibleOptionalFields).
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html#example-bucket-policies-s3-inventory-2
 */
function requireFields(context: OperationContext, { fields }: InventoryConfiguration): void {
  if (fields === null || fields.length === 0) return;
  requireAccess(context, {
    bucket: context.bucket,
    key: null,
    actions: needs(context.operation.actions),
    permission: null,
    keys: new Map([['s3:inventoryaccessibleoptionalfields', fields]]),
  });
}

/** @throws S3Error InvalidS3DestinationBucket; what checkBucketDefault throws */
async function checkDestination(context: OperationContext, { destination }: InventoryConfiguration): Promise<void> {
  const { buckets } = context.services.stores;
  const found = await buckets.get(destination.bucket, { fresh: true });
  if (found?.state !== 'active' || found.region !== context.bucket.region)
    throw new S3Error('InvalidS3DestinationBucket', {
      message: 'The destination bucket does not exist or is not in the region of the source bucket.',
    });
  if (destination.accountId !== null && destination.accountId !== found.owner.id)
    throw new S3Error('InvalidS3DestinationBucket', {
      message: 'The destination bucket is not owned by the account that AccountId names.',
    });
  const { encryption } = destination;
  if (encryption !== null)
    await checkBucketDefault(context, { byDefault: byDefault(encryption), bucketKeyEnabled: null, blocked: null });
}

function byDefault(encryption: InventoryEncryption) {
  return encryption.kind === 'SSE-S3'
    ? ({ algorithm: 'AES256' } as const)
    : ({ algorithm: 'aws:kms', keyId: encryption.keyId } as const);
}
