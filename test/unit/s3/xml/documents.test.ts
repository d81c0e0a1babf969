import { describe, expect, it } from 'vitest';
import { S3Error } from '../../../../src/s3/errors.js';
import {
  accessControlPolicy,
  completeMultipartUploadResult,
  copyObjectResult,
  copyPartResult,
  corsConfiguration,
  deleteResult,
  errorDocument,
  getObjectAttributesResponse,
  initiateMultipartUploadResult,
  locationConstraint,
  parseAccessControlPolicy,
  parseCompleteMultipartUpload,
  parseCorsConfiguration,
  parseCreateBucketConfiguration,
  parseDelete,
  parseRequestPaymentConfiguration,
  parseTagging,
  parseVersioningConfiguration,
  postResponse,
  requestPaymentConfiguration,
  tagging,
  versioningConfiguration,
} from '../../../../src/s3/xml/documents.js';
import { parseXml } from '../../../../src/s3/xml/parse.js';

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
const xmlns = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('errorDocument', () => {
  it('has no namespace and puts details between message and request', () => {
    const { code, message, detail } = new S3Error('NoSuchKey', { detail: { Key: 'a<b' } });
    expect(errorDocument({ code, message, detail, resource: '/b/a%3Cb', requestId: '1', hostId: '2' })).toBe(
      `${declaration}<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>` +
        '<Key>a&lt;b</Key><Resource>/b/a%3Cb</Resource><RequestId>1</RequestId><HostId>2</HostId></Error>',
    );
  });
});

describe('Delete', () => {
  it('reads keys exactly, versions and conditions', () => {
    const { quiet, objects } = parseDelete(
      `<Delete ${xmlns}><Object><Key> a&#xD;&#xA;&amp;</Key></Object>` +
        '<Object><Key>b</Key><VersionId>null</VersionId><ETag>&quot;e&quot;</ETag>' +
        '<LastModifiedTime>Thu, 01 Jan 2015 00:00:00 GMT</LastModifiedTime><Size>3</Size></Object>' +
        '<Object><Key>c</Key><VersionId/><LastModifiedTime>2015-01-01T00:00:00Z</LastModifiedTime></Object><Quiet>true</Quiet></Delete>',
    );
    const time = Date.UTC(2015, 0, 1);
    expect(quiet).toBe(true);
    expect(objects).toEqual([
      { key: ' a\r\n&' },
      { key: 'b', versionId: 'null', etag: 'e', lastModified: time, sizeBytes: 3 },
      { key: 'c', lastModified: time },
    ]);
  });

  it('is verbose by default and takes 1,000 objects at most', () => {
    const document = (count: number): string => `<Delete>${'<Object><Key>k</Key></Object>'.repeat(count)}</Delete>`;
    expect(parseDelete(document(1)).quiet).toBe(false);
    expect(parseDelete(document(1000)).objects).toHaveLength(1000);
    expect(codeOf(() => parseDelete(document(1001)))).toBe('MalformedXML');
    expect(codeOf(() => parseDelete(document(0)))).toBe('MalformedXML');
  });

  it.each([
    '<Delete><Object/></Delete>',
    '<Delete><Object><Key></Key></Object></Delete>',
    '<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>',
    '<Delete><Object><Key>a</Key><Sise>1</Sise></Object></Delete>',
    '<Delete><Object><Key>a</Key><LastModifiedTime>soon</LastModifiedTime></Object></Delete>',
    '<Delete><Object><Key>a</Key><Size>-1</Size></Object></Delete>',
    '<Delete><Object><Key>a</Key></Object><Quiet>perhaps</Quiet></Delete>',
    '<Delete><Key>a</Key></Delete>',
  ])('refuses %s', (text) => {
    expect(codeOf(() => parseDelete(text))).toBe('MalformedXML');
  });

  it('answers what was deleted and what was not', () => {
    expect(
      deleteResult({
        deleted: [{ key: 'a' }, { key: 'b', versionId: 'v', deleteMarker: true, deleteMarkerVersionId: 'v' }],
        errors: [{ key: 'c', versionId: undefined, code: 'AccessDenied', message: 'Access Denied' }],
      }),
    ).toBe(
      `${declaration}<DeleteResult ${xmlns}><Deleted><Key>a</Key></Deleted>` +
        '<Deleted><Key>b</Key><VersionId>v</VersionId><DeleteMarker>true</DeleteMarker>' +
        '<DeleteMarkerVersionId>v</DeleteMarkerVersionId></Deleted>' +
        '<Error><Key>c</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error></DeleteResult>',
    );
  });
});

describe('CompleteMultipartUpload', () => {
  it('reads parts in the order given, with unquoted tags and checksums', () => {
    const parts = parseCompleteMultipartUpload(
      `<CompleteMultipartUpload ${xmlns}><Part><ETag>"e2"</ETag><PartNumber>2</PartNumber></Part>` +
        '<Part><PartNumber>1</PartNumber><ETag>e1</ETag><ChecksumCRC32>a</ChecksumCRC32><ChecksumSHA256>b</ChecksumSHA256></Part>' +
        '</CompleteMultipartUpload>',
    );
    expect(parts).toEqual([
      { partNumber: 2, etag: 'e2', checksums: {} },
      { partNumber: 1, etag: 'e1', checksums: { CRC32: 'a', SHA256: 'b' } },
    ]);
  });

  it('takes 10,000 parts at most', () => {
    const document = (count: number): string =>
      `<CompleteMultipartUpload>${'<Part><PartNumber>1</PartNumber><ETag>e</ETag></Part>'.repeat(count)}</CompleteMultipartUpload>`;
    expect(parseCompleteMultipartUpload(document(10_000))).toHaveLength(10_000);
    expect(codeOf(() => parseCompleteMultipartUpload(document(10_001)))).toBe('MalformedXML');
  });

  it.each([
    ['', 'MalformedXML'],
    ['<CompleteMultipartUpload/>', 'MalformedXML'],
    ['<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>', 'MalformedXML'],
    ['<CompleteMultipartUpload><Part><ETag>e</ETag></Part></CompleteMultipartUpload>', 'MalformedXML'],
    [
      '<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>',
      'MalformedXML',
    ],
    [
      '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag><ChecksumFOO>x</ChecksumFOO></Part></CompleteMultipartUpload>',
      'MalformedXML',
    ],
    [
      '<CompleteMultipartUpload><Part><PartNumber>0</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>',
      'InvalidArgument',
    ],
    [
      '<CompleteMultipartUpload><Part><PartNumber>10001</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>',
      'InvalidArgument',
    ],
  ])('refuses %s', (text, code) => {
    expect(codeOf(() => parseCompleteMultipartUpload(text))).toBe(code);
  });

  it('answers with location and checksum', () => {
    expect(
      completeMultipartUploadResult({
        location: 'http://h/b/k',
        bucket: 'b',
        key: 'k',
        etag: 'e-2',
        checksum: { algorithm: 'SHA1', type: 'COMPOSITE', value: 'x-2' },
      }),
    ).toBe(
      `${declaration}<CompleteMultipartUploadResult ${xmlns}><Location>http://h/b/k</Location><Bucket>b</Bucket><Key>k</Key>` +
        '<ETag>&quot;e-2&quot;</ETag><ChecksumSHA1>x-2</ChecksumSHA1><ChecksumType>COMPOSITE</ChecksumType></CompleteMultipartUploadResult>',
    );
    expect(initiateMultipartUploadResult({ bucket: 'b', key: '&', uploadId: 'u' })).toContain(
      '<Bucket>b</Bucket><Key>&amp;</Key><UploadId>u</UploadId>',
    );
  });
});

describe('results of copies, attributes and forms', () => {
  it('quotes entity tags except in GetObjectAttributes', () => {
    expect(copyObjectResult({ lastModified: 1500, etag: 'e', checksum: null })).toBe(
      `${declaration}<CopyObjectResult ${xmlns}><LastModified>1970-01-01T00:00:01.000Z</LastModified><ETag>&quot;e&quot;</ETag></CopyObjectResult>`,
    );
    expect(copyPartResult({ lastModified: 0, etag: 'e', checksums: { CRC32C: 'c' } })).toContain(
      '<ETag>&quot;e&quot;</ETag><ChecksumCRC32C>c</ChecksumCRC32C>',
    );
    expect(getObjectAttributesResponse({ etag: 'e', objectSizeBytes: 0, storageClass: 'STANDARD' })).toBe(
      `${declaration}<GetObjectAttributesResponse ${xmlns}><ETag>e</ETag><StorageClass>STANDARD</StorageClass><ObjectSize>0</ObjectSize></GetObjectAttributesResponse>`,
    );
    expect(postResponse({ location: 'http://h/b/k', bucket: 'b', key: 'k', etag: 'e' })).toBe(
      `${declaration}<PostResponse><Location>http://h/b/k</Location><Bucket>b</Bucket><Key>k</Key><ETag>&quot;e&quot;</ETag></PostResponse>`,
    );
  });

  it('pages the parts of an object', () => {
    const root = parseXml(
      getObjectAttributesResponse({
        checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'v' },
        objectParts: {
          partsCount: 5,
          partNumberMarker: 3,
          nextPartNumberMarker: 4,
          maxParts: 1,
          isTruncated: true,
          parts: [{ partNumber: 4, sizeBytes: 9, checksums: { CRC32: 'p' } }],
        },
      }),
      { root: 'GetObjectAttributesResponse' },
    );
    expect(root.child('Checksum')?.elements.map((field) => field.content)).toEqual(['v', 'FULL_OBJECT']);
    expect(root.child('ObjectParts')?.elements.map((field) => [field.name, field.content])).toEqual([
      ['PartsCount', '5'],
      ['PartNumberMarker', '3'],
      ['NextPartNumberMarker', '4'],
      ['MaxParts', '1'],
      ['IsTruncated', 'true'],
      ['Part', ''],
    ]);
    expect(root.child('ObjectParts')?.child('Part')?.text('ChecksumCRC32')).toBe('p');
  });
});

describe('bucket configurations', () => {
  it('reads CreateBucketConfiguration', () => {
    expect(parseCreateBucketConfiguration('')).toEqual({ locationConstraint: null, tags: [] });
    expect(parseCreateBucketConfiguration(`<CreateBucketConfiguration ${xmlns}/>`).locationConstraint).toBeNull();
    expect(
      parseCreateBucketConfiguration(
        '<CreateBucketConfiguration><LocationConstraint>CH-GVA-2</LocationConstraint>' +
          '<Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags></CreateBucketConfiguration>',
      ),
    ).toEqual({ locationConstraint: 'CH-GVA-2', tags: [{ key: 'a', value: 'b' }] });
    const bad = '<CreateBucketConfiguration><Zone>1</Zone></CreateBucketConfiguration>';
    expect(codeOf(() => parseCreateBucketConfiguration(bad))).toBe('MalformedXML');
    const directory = '<CreateBucketConfiguration><Bucket><Type>Directory</Type></Bucket></CreateBucketConfiguration>';
    expect(codeOf(() => parseCreateBucketConfiguration(directory))).toBe('NotImplemented');
  });

  it('writes LocationConstraint', () => {
    expect(locationConstraint(null)).toBe(`${declaration}<LocationConstraint ${xmlns}/>`);
    expect(locationConstraint('eu')).toBe(`${declaration}<LocationConstraint ${xmlns}>eu</LocationConstraint>`);
  });

  it('reads and writes VersioningConfiguration', () => {
    for (const status of ['Enabled', 'Suspended'] as const)
      expect(parseVersioningConfiguration(versioningConfiguration({ status }))).toEqual({ status });
    expect(
      parseVersioningConfiguration(versioningConfiguration({ status: 'Enabled', mfaDelete: 'Disabled' })).mfaDelete,
    ).toBe('Disabled');
    expect(versioningConfiguration({})).toBe(`${declaration}<VersioningConfiguration ${xmlns}/>`);
    const parse = (content: string): string =>
      codeOf(() => parseVersioningConfiguration(`<VersioningConfiguration>${content}</VersioningConfiguration>`));
    expect(parse('')).toBe('IllegalVersioningConfigurationException');
    expect(parse('<Status>enabled</Status>')).toBe('MalformedXML');
    expect(parse('<Status>Enabled</Status><MfaDelete>Maybe</MfaDelete>')).toBe('MalformedXML');
  });

  it('reads and writes RequestPaymentConfiguration', () => {
    for (const payer of ['BucketOwner', 'Requester'] as const)
      expect(parseRequestPaymentConfiguration(requestPaymentConfiguration(payer))).toBe(payer);
    const parse = (content: string): string =>
      codeOf(() =>
        parseRequestPaymentConfiguration(`<RequestPaymentConfiguration>${content}</RequestPaymentConfiguration>`),
      );
    expect(parse('')).toBe('MalformedXML');
    expect(parse('<Payer>Nobody</Payer>')).toBe('MalformedXML');
  });

  it('reads and writes Tagging', () => {
    const tags = { ' a ': 'x + y', b: '' };
    expect(parseTagging(tagging(tags), 'object')).toEqual(tags);
    expect(tagging({})).toBe(`${declaration}<Tagging ${xmlns}><TagSet></TagSet></Tagging>`);
    expect(parseTagging('<Tagging><TagSet/></Tagging>', 'bucket')).toEqual({});
    const parse = (content: string): string => codeOf(() => parseTagging(`<Tagging>${content}</Tagging>`, 'object'));
    expect(parse('')).toBe('MalformedXML');
    expect(parse('<TagSet><Tag><Key>a</Key></Tag></TagSet>')).toBe('MalformedXML');
    expect(parse('<TagSet><Tag><Value>a</Value></Tag></TagSet>')).toBe('MalformedXML');
    expect(parse('<Tag><Key>a</Key><Value>b</Value></Tag>')).toBe('MalformedXML');
    expect(parse('<TagSet><Tag><Key>a</Key><Value>&lt;</Value></Tag></TagSet>')).toBe('InvalidTag');
    const two = '<Tag><Key>a</Key><Value>b</Value></Tag>'.repeat(2);
    expect(parse(`<TagSet>${two}</TagSet>`)).toBe('InvalidTag');
  });

  it('reads and writes CORSConfiguration', () => {
    const rules = [
      {
        id: 'r1',
        allowedOrigins: ['http://*.example.com', '*'],
        allowedMethods: ['GET', 'PUT'],
        allowedHeaders: ['x-*'],
        exposeHeaders: ['ETag'],
        maxAgeSeconds: 0,
      },
      { allowedOrigins: ['a'], allowedMethods: ['HEAD'], allowedHeaders: [], exposeHeaders: [] },
    ];
    expect(parseCorsConfiguration(corsConfiguration(rules))).toEqual(rules);
    const parse = (content: string): string =>
      codeOf(() => parseCorsConfiguration(`<CORSConfiguration>${content}</CORSConfiguration>`));
    expect(parse('')).toBe('MalformedXML');
    expect(parse('<CORSRule><AllowedMethod>GET</AllowedMethod></CORSRule>')).toBe('MalformedXML');
    expect(parse('<CORSRule><AllowedOrigin>*</AllowedOrigin></CORSRule>')).toBe('MalformedXML');
    expect(parse('<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PATCH</AllowedMethod></CORSRule>')).toBe(
      'InvalidRequest',
    );
  });
});

describe('AccessControlPolicy', () => {
  const wrap = (grants: string): string =>
    `<AccessControlPolicy ${xmlns}><Owner><ID>o</ID><DisplayName>O</DisplayName></Owner><AccessControlList>${grants}</AccessControlList></AccessControlPolicy>`;

  it('reads the three kinds of grantees', () => {
    const xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
    const policy = parseAccessControlPolicy(
      wrap(
        `<Grant><Grantee ${xsi} xsi:type="CanonicalUser"><ID>u</ID><DisplayName>U</DisplayName></Grantee><Permission>READ</Permission></Grant>` +
          `<Grant><Grantee ${xsi} xsi:type="Group"><URI>http://g</URI></Grantee><Permission>WRITE_ACP</Permission></Grant>` +
          `<Grant><Grantee ${xsi} xsi:type="AmazonCustomerByEmail"><EmailAddress>a@b</EmailAddress></Grantee><Permission>WRITE</Permission></Grant>`,
      ),
    );
    expect(policy).toEqual({
      ownerId: 'o',
      grants: [
        { grantee: { type: 'CanonicalUser', id: 'u', displayName: 'U' }, permission: 'READ' },
        { grantee: { type: 'Group', uri: 'http://g' }, permission: 'WRITE_ACP' },
        { grantee: { type: 'AmazonCustomerByEmail', emailAddress: 'a@b' }, permission: 'WRITE' },
      ],
    });
  });

  it('reads back what it writes', () => {
    const grants = [
      { grantee: { type: 'Group', uri: 'g<' }, permission: 'READ' },
      { grantee: { type: 'CanonicalUser', id: 'u', displayName: 'U&' }, permission: 'FULL_CONTROL' },
    ] as const;
    const xml = accessControlPolicy({ owner: { id: 'o', displayName: 'O' }, grants });
    expect(xml).toContain(
      '<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>g&lt;</URI></Grantee><Permission>READ</Permission></Grant>',
    );
    expect(parseAccessControlPolicy(xml)).toEqual({ ownerId: 'o', grants });
  });

  it('takes the kind of a grantee from its element when xsi:type is missing', () => {
    const policy = parseAccessControlPolicy(
      wrap('<Grant><Grantee><URI>g</URI></Grantee><Permission>READ</Permission></Grant>'),
    );
    expect(policy.grants[0]?.grantee).toEqual({ type: 'Group', uri: 'g' });
  });

  it.each([
    '<AccessControlPolicy/>',
    '<AccessControlPolicy><Owner><ID>o</ID></Owner></AccessControlPolicy>',
    '<AccessControlPolicy><AccessControlList/></AccessControlPolicy>',
    '<AccessControlPolicy><Owner/><AccessControlList/></AccessControlPolicy>',
    '<Other/>',
    'x',
    wrap('<Grant><Grantee><ID>u</ID></Grantee></Grant>'),
    wrap('<Grant><Permission>READ</Permission></Grant>'),
    wrap('<Grant><Grantee><ID>u</ID></Grantee><Permission>ALL</Permission></Grant>'),
    wrap('<Grant><Grantee><ID>u</ID><URI>g</URI></Grantee><Permission>READ</Permission></Grant>'),
    wrap('<Grant><Grantee/><Permission>READ</Permission></Grant>'),
    wrap('<Grant><Grantee x="1" type="Robot"><ID>u</ID></Grantee><Permission>READ</Permission></Grant>'),
  ])('refuses %s', (text) => {
    expect(codeOf(() => parseAccessControlPolicy(text))).toBe('MalformedACLError');
  });
});
