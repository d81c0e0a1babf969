import { describe, expect, it } from 'vitest';
import type { S3Error } from '../../../../src/s3/errors.js';
import {
  inventoryConfiguration,
  listInventoryConfigurationsResult,
  parseInventoryConfiguration,
} from '../../../../src/s3/xml/documents.js';

const DESTINATION = '<Bucket>arn:aws:s3:::target</Bucket><Format>CSV</Format>';

function documentOf({ destination = DESTINATION, rest = '', frequency = 'Daily', versions = 'Current' } = {}): string {
  return (
    `<InventoryConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Id>report</Id><IsEnabled>true</IsEnabled>` +
    `<Destination><S3BucketDestination>${destination}</S3BucketDestination></Destination>` +
    `<IncludedObjectVersions>${versions}</IncludedObjectVersions>` +
    `<Schedule><Frequency>${frequency}</Frequency></Schedule>${rest}</InventoryConfiguration>`
  );
}

function codeOf(text: string): string {
  try {
    parseInventoryConfiguration(text);
  } catch (error) {
    return (error as S3Error).code;
  }
  return 'accepted';
}

const FULL = documentOf({
  destination:
    '<AccountId>tenant</AccountId><Bucket>arn:aws:s3:::target</Bucket><Encryption><SSE-KMS><KeyId>k&amp;1</KeyId></SSE-KMS></Encryption>' +
    '<Format>Parquet</Format><Prefix>in/ventory</Prefix>',
  rest: '<Filter><Prefix>logs/&lt;</Prefix></Filter><OptionalFields><Field>ETag</Field><Field>Size</Field></OptionalFields>',
  frequency: 'Weekly',
  versions: 'All',
});

describe('InventoryConfiguration', () => {
  it('is read with everything it can have', () => {
    expect(parseInventoryConfiguration(FULL)).toEqual({
      id: 'report',
      enabled: true,
      prefix: 'logs/<',
      allVersions: true,
      frequency: 'Weekly',
      fields: ['ETag', 'Size'],
      destination: {
        bucket: 'target',
        accountId: 'tenant',
        format: 'Parquet',
        prefix: 'in/ventory',
        encryption: { kind: 'SSE-KMS', keyId: 'k&1' },
      },
    });
  });

  it('is read with nothing that can be left out', () => {
    expect(parseInventoryConfiguration(documentOf())).toMatchObject({
      prefix: null,
      allVersions: false,
      fields: null,
      destination: { bucket: 'target', accountId: null, prefix: null, encryption: null },
    });
  });

  it('is written as it was read', () => {
    for (const text of [
      FULL,
      documentOf(),
      documentOf({ destination: `${DESTINATION}<Encryption><SSE-S3/></Encryption>` }),
    ]) {
      const configuration = parseInventoryConfiguration(text);
      expect(parseInventoryConfiguration(inventoryConfiguration(configuration))).toEqual(configuration);
    }
  });

  it.each([
    ['an unknown element', documentOf({ rest: '<Other/>' })],
    ['an unknown field', documentOf({ rest: '<OptionalFields><Field>Colour</Field></OptionalFields>' })],
    ['a field twice', documentOf({ rest: '<OptionalFields><Field>Size</Field><Field>Size</Field></OptionalFields>' })],
    ['another frequency', documentOf({ frequency: 'Hourly' })],
    ['other versions', documentOf({ versions: 'Some' })],
    ['another format', documentOf({ destination: '<Bucket>arn:aws:s3:::target</Bucket><Format>XML</Format>' })],
    ['no format', documentOf({ destination: '<Bucket>arn:aws:s3:::target</Bucket>' })],
    [
      'two encryptions',
      documentOf({
        destination: `${DESTINATION}<Encryption><SSE-S3/><SSE-KMS><KeyId>k</KeyId></SSE-KMS></Encryption>`,
      }),
    ],
    ['a KMS without a key', documentOf({ destination: `${DESTINATION}<Encryption><SSE-KMS/></Encryption>` })],
    ['no destination', documentOf().replace(/<Destination>.*<\/Destination>/, '')],
    ['no id', documentOf().replace('<Id>report</Id>', '')],
    ['no state', documentOf().replace('<IsEnabled>true</IsEnabled>', '')],
    ['no schedule', documentOf().replace(/<Schedule>.*<\/Schedule>/, '')],
    ['a filter without a prefix', documentOf({ rest: '<Filter/>' })],
  ])('is refused with %s', (_, text) => {
    expect(codeOf(text)).toBe('MalformedXML');
  });

  it.each(['target', 'arn:aws:s3:::', 'arn:aws:s3:::target/key', 'arn:aws:s3::1234:target', 'arn:aws:sns:::target'])(
    'is refused with the destination %s',
    (arn) => {
      expect(codeOf(documentOf({ destination: `<Bucket>${arn}</Bucket><Format>CSV</Format>` }))).toBe(
        'InvalidS3DestinationBucket',
      );
    },
  );

  it('says that ORC is not there', () => {
    expect(codeOf(documentOf({ destination: DESTINATION.replace('CSV', 'ORC') }))).toBe('NotImplemented');
  });
});

it('a page of configurations tells where the next one begins', () => {
  const configuration = parseInventoryConfiguration(documentOf());
  const page = listInventoryConfigurationsResult({
    configurations: [configuration, configuration],
    continuationToken: 'this',
    nextContinuationToken: 'next',
  });
  expect(page.match(/<InventoryConfiguration>/g)).toHaveLength(2);
  expect(page).toContain('<IsTruncated>true</IsTruncated><ContinuationToken>this</ContinuationToken>');
  expect(page).toContain('<NextContinuationToken>next</NextContinuationToken></ListInventoryConfigurationsResult>');
  const last = listInventoryConfigurationsResult({
    configurations: [],
    continuationToken: undefined,
    nextContinuationToken: undefined,
  });
  expect(last).toContain('<IsTruncated>false</IsTruncated></ListInventoryConfigurationsResult>');
});
