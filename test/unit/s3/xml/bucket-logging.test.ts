import { describe, expect, it } from 'vitest';
import type { S3Error } from '../../../../src/s3/errors.js';
import { bucketLoggingStatus, parseBucketLoggingStatus } from '../../../../src/s3/xml/documents.js';

const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
const grant = (permission: string): string =>
  `<Grant><Grantee ${XSI} xsi:type="CanonicalUser"><ID>other</ID></Grantee><Permission>${permission}</Permission></Grant>`;

function documentOf({
  bucket = '<TargetBucket>logs</TargetBucket>',
  prefix = '<TargetPrefix>p/</TargetPrefix>',
  rest = '',
}) {
  const content = `<LoggingEnabled>${bucket}${prefix}${rest}</LoggingEnabled>`;
  return `<BucketLoggingStatus xmlns="http://doc.s3.amazonaws.com/2006-03-01">${content}</BucketLoggingStatus>`;
}

const format = (content: string): string => `<TargetObjectKeyFormat>${content}</TargetObjectKeyFormat>`;
const partitioned = (source: string): string =>
  format(`<PartitionedPrefix><PartitionDateSource>${source}</PartitionDateSource></PartitionedPrefix>`);

const BY_EVENT = documentOf({ rest: `<TargetGrants>${grant('READ')}</TargetGrants>${partitioned('EventTime')}` });

describe('BucketLoggingStatus', () => {
  it('is read with everything it can have', () => {
    expect(parseBucketLoggingStatus(BY_EVENT)).toEqual({
      targetBucket: 'logs',
      targetPrefix: 'p/',
      keyFormat: 'by-event-time',
      grants: [{ grantee: { type: 'CanonicalUser', id: 'other' }, permission: 'READ' }],
    });
    expect(parseBucketLoggingStatus('<BucketLoggingStatus/>')).toBeNull();
  });

  it.each([
    ['', 'default'],
    [format('<SimplePrefix/>'), 'simple'],
    [partitioned('EventTime'), 'by-event-time'],
    [partitioned('DeliveryTime'), 'by-delivery-time'],
    [format('<PartitionedPrefix/>'), 'by-delivery-time'],
  ] as const)('takes %s for keys by %s', (rest, keyFormat) => {
    expect(parseBucketLoggingStatus(documentOf({ rest }))).toMatchObject({ keyFormat });
  });

  it('is written as it was read', () => {
    const rests = ['', format('<SimplePrefix/>'), partitioned('EventTime'), partitioned('DeliveryTime')];
    for (const text of [
      BY_EVENT,
      documentOf({ prefix: '<TargetPrefix/>' }),
      ...rests.map((rest) => documentOf({ rest })),
    ]) {
      const read = parseBucketLoggingStatus(text);
      if (read === null) throw new Error('nothing was read');
      expect(parseBucketLoggingStatus(bucketLoggingStatus({ ...read, acl: null }))).toEqual(read);
    }
    expect(parseBucketLoggingStatus(bucketLoggingStatus(null))).toBeNull();
  });

  it.each([
    documentOf({ bucket: '' }),
    documentOf({ prefix: '' }),
    documentOf({ rest: '<Other/>' }),
    documentOf({ rest: format('') }),
    documentOf({ rest: format('<SimplePrefix/><PartitionedPrefix/>') }),
    documentOf({ rest: partitioned('Sometime') }),
    documentOf({ rest: `<TargetGrants>${grant('READ_ACP')}</TargetGrants>` }),
    documentOf({ rest: `<TargetGrants>${grant('')}</TargetGrants>` }),
    '<BucketLoggingStatus><Enabled/></BucketLoggingStatus>',
  ])('is refused as %s', (text) => {
    let code = 'accepted';
    try {
      parseBucketLoggingStatus(text);
    } catch (error) {
      ({ code } = error as S3Error);
    }
    expect(code).toBe('MalformedXML');
  });
});
