import { describe, expect, it } from 'vitest';
import { listAllMyBucketsResult } from '../../../../src/s3/xml/list-buckets.js';
import { listBucketResult, listBucketV2Result } from '../../../../src/s3/xml/list-objects.js';
import type { ListBucketResult, ListBucketV2Result } from '../../../../src/s3/xml/list-objects.js';
import { listMultipartUploadsResult, listPartsResult } from '../../../../src/s3/xml/list-uploads.js';
import { listVersionsResult } from '../../../../src/s3/xml/list-versions.js';
import { parseXml } from '../../../../src/s3/xml/parse.js';
import type { ObjectEntry, Owner, VersionEntry } from '../../../../src/store/types.js';

const alice: Owner = { id: 'alice', displayName: 'Alice & Co' };
const bob: Owner = { id: 'bob', displayName: 'Bob' };

function entry(key: string, extra: Partial<ObjectEntry> = {}): ObjectEntry {
  return {
    key,
    sizeBytes: 5,
    etag: 'd41d8cd98f00b204e9800998ecf8427e',
    lastModified: Date.UTC(2024, 1, 29, 12, 0, 1, 987),
    storageClass: 'STANDARD',
    owner: alice,
    checksumAlgorithm: null,
    checksumType: null,
    ...extra,
  };
}

const v1: ListBucketResult = {
  name: 'b',
  prefix: '',
  delimiter: '',
  maxKeys: 1000,
  isTruncated: false,
  encodingType: null,
  contents: [],
  commonPrefixes: [],
  marker: '',
  nextMarker: null,
};

const v2: ListBucketV2Result = {
  ...v1,
  continuationToken: null,
  nextContinuationToken: null,
  startAfter: '',
  fetchOwner: false,
};

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
const xmlns = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

describe('listBucketResult', () => {
  it('has Prefix and Marker even when they are empty, and no Delimiter', () => {
    expect(listBucketResult(v1)).toBe(
      `${declaration}<ListBucketResult ${xmlns}><Name>b</Name><Prefix></Prefix><Marker></Marker>` +
        '<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>',
    );
  });

  it('writes entries with owner, whole seconds and quoted entity tag', () => {
    const xml = listBucketResult({
      ...v1,
      contents: [entry('a<b', { checksumAlgorithm: 'CRC32', checksumType: 'FULL_OBJECT' })],
    });
    expect(xml).toContain(
      '<Contents><Key>a&lt;b</Key><LastModified>2024-02-29T12:00:01.000Z</LastModified>' +
        '<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag>' +
        '<ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>5</Size>' +
        '<Owner><ID>alice</ID><DisplayName>Alice &amp; Co</DisplayName></Owner>' +
        '<StorageClass>STANDARD</StorageClass></Contents>',
    );
  });

  it('gives every entry its own owner and time', () => {
    const root = parseXml(
      listBucketResult({
        ...v1,
        contents: [
          entry('1', { lastModified: 1000 }),
          entry('2', { lastModified: 1999, owner: bob }),
          entry('3', { lastModified: 2000 }),
          entry('4', { lastModified: 1000, owner: { id: 'alice', displayName: 'renamed' } }),
        ],
      }),
      { root: 'ListBucketResult' },
    );
    expect(
      root
        .children('Contents')
        .map((content) => [content.text('LastModified'), content.child('Owner')?.elements.map((part) => part.content)]),
    ).toEqual([
      ['1970-01-01T00:00:01.000Z', ['alice', 'Alice & Co']],
      ['1970-01-01T00:00:01.000Z', ['bob', 'Bob']],
      ['1970-01-01T00:00:02.000Z', ['alice', 'Alice & Co']],
      ['1970-01-01T00:00:01.000Z', ['alice', 'renamed']],
    ]);
  });

  it('encodes key, delimiter, markers and common prefixes on demand', () => {
    const root = parseXml(
      listBucketResult({
        ...v1,
        encodingType: 'url',
        prefix: '',
        delimiter: ' ',
        marker: 'm+',
        nextMarker: 'quux ab/',
        isTruncated: true,
        contents: [entry('asdf+b')],
        commonPrefixes: ['foo+1/', 'quux ab/'],
      }),
      { root: 'ListBucketResult' },
    );
    expect(root.text('EncodingType')).toBe('url');
    expect(root.text('Delimiter')).toBe('%20');
    expect(root.text('Marker')).toBe('m%2B');
    expect(root.text('NextMarker')).toBe('quux%20ab/');
    expect(root.child('Contents')?.text('Key')).toBe('asdf%2Bb');
    expect(root.children('CommonPrefixes').map((prefix) => prefix.text('Prefix'))).toEqual(['foo%2B1/', 'quux%20ab/']);
  });

  it('keeps keys exact without encoding', () => {
    const keys = [' leading', 'trailing ', 'new\nline', 'cr\r', 'tab\t', '\u{1F600}', '&amp;'];
    const root = parseXml(listBucketResult({ ...v1, contents: keys.map((key) => entry(key)) }), {
      root: 'ListBucketResult',
    });
    expect(root.children('Contents').map((content) => content.text('Key'))).toEqual(keys);
  });
});

describe('listBucketV2Result', () => {
  it('counts keys and prefixes and leaves owners out unless asked', () => {
    const result = { ...v2, contents: [entry('k')], commonPrefixes: ['p/'], delimiter: '/' };
    const root = parseXml(listBucketV2Result(result), { root: 'ListBucketResult' });
    expect(root.integer('KeyCount')).toBe(2);
    expect(root.child('Marker')).toBeUndefined();
    expect(root.child('Contents')?.child('Owner')).toBeUndefined();
    expect(listBucketV2Result({ ...result, fetchOwner: true })).toContain('<Owner><ID>alice</ID>');
  });

  it('tells tokens as they are and StartAfter encoded', () => {
    const root = parseXml(
      listBucketV2Result({
        ...v2,
        encodingType: 'url',
        prefix: 'a b',
        continuationToken: 'x+/=',
        nextContinuationToken: 'y+/=',
        startAfter: 's +',
        isTruncated: true,
      }),
      { root: 'ListBucketResult' },
    );
    expect(root.text('Prefix')).toBe('a%20b');
    expect(root.text('ContinuationToken')).toBe('x+/=');
    expect(root.text('NextContinuationToken')).toBe('y+/=');
    expect(root.text('StartAfter')).toBe('s%20%2B');
  });
});

describe('listVersionsResult', () => {
  it('writes versions and delete markers in order', () => {
    const version = (key: string, extra: Partial<VersionEntry>): VersionEntry => ({
      ...entry(key),
      versionId: 'v1',
      seq: 1,
      deleteMarker: false,
      latest: false,
      ...extra,
    });
    const root = parseXml(
      listVersionsResult({
        name: 'b',
        prefix: 'p+',
        keyMarker: 'k+',
        versionIdMarker: 'vm',
        nextKeyMarker: 'n+',
        nextVersionIdMarker: 'v9',
        maxKeys: 2,
        delimiter: '/',
        encodingType: 'url',
        isTruncated: true,
        versions: [version('a+', { deleteMarker: true, latest: true, etag: '' }), version('a+', { versionId: 'null' })],
        commonPrefixes: ['z/'],
      }),
      { root: 'ListVersionsResult' },
    );
    const rows = root.elements.filter((row) => row.name === 'Version' || row.name === 'DeleteMarker');
    expect(rows.map((row) => [row.name, row.text('Key'), row.text('VersionId'), row.boolean('IsLatest')])).toEqual([
      ['DeleteMarker', 'a%2B', 'v1', true],
      ['Version', 'a%2B', 'null', false],
    ]);
    expect(rows[0]?.child('ETag')).toBeUndefined();
    expect(rows[0]?.child('Size')).toBeUndefined();
    expect(rows[1]?.text('ETag')).toBe('"d41d8cd98f00b204e9800998ecf8427e"');
    expect(
      ['Prefix', 'KeyMarker', 'NextKeyMarker', 'VersionIdMarker', 'NextVersionIdMarker'].map((name) => root.text(name)),
    ).toEqual(['p%2B', 'k%2B', 'n%2B', 'vm', 'v9']);
  });
});

describe('listMultipartUploadsResult and listPartsResult', () => {
  it('writes uploads', () => {
    const root = parseXml(
      listMultipartUploadsResult({
        bucket: 'b',
        keyMarker: '',
        uploadIdMarker: '',
        nextKeyMarker: 'k 1',
        nextUploadIdMarker: 'u1',
        prefix: '',
        delimiter: '',
        encodingType: 'url',
        maxUploads: 1,
        isTruncated: true,
        uploads: [
          {
            key: 'k 1',
            uploadId: 'u1',
            createdAt: 0,
            initiator: bob,
            owner: alice,
            storageClass: 'STANDARD',
            checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT' },
          },
        ],
        commonPrefixes: [],
      }),
      { root: 'ListMultipartUploadsResult' },
    );
    const upload = root.requiredChild('Upload');
    expect(upload.text('Key')).toBe('k%201');
    expect(upload.text('Initiated')).toBe('1970-01-01T00:00:00.000Z');
    expect(upload.child('Initiator')?.text('ID')).toBe('bob');
    expect(upload.child('Owner')?.text('ID')).toBe('alice');
    expect(upload.text('ChecksumAlgorithm')).toBe('CRC64NVME');
    expect(upload.text('ChecksumType')).toBe('FULL_OBJECT');
    expect(root.child('Delimiter')).toBeUndefined();
    expect(root.text('NextKeyMarker')).toBe('k%201');
  });

  it('writes parts with their checksums', () => {
    const root = parseXml(
      listPartsResult({
        bucket: 'b',
        key: 'k&',
        uploadId: 'u',
        initiator: alice,
        owner: alice,
        storageClass: 'STANDARD',
        partNumberMarker: 0,
        nextPartNumberMarker: 1,
        maxParts: 1,
        isTruncated: true,
        checksum: { algorithm: 'SHA256', type: 'COMPOSITE' },
        parts: [{ partNumber: 1, lastModified: 0, etag: 'e', sizeBytes: 7, checksums: { SHA256: 'abc=' } }],
      }),
      { root: 'ListPartsResult' },
    );
    expect(root.text('Key')).toBe('k&');
    expect(root.integer('NextPartNumberMarker')).toBe(1);
    const part = root.requiredChild('Part');
    expect(part.elements.map((field) => [field.name, field.content])).toEqual([
      ['PartNumber', '1'],
      ['LastModified', '1970-01-01T00:00:00.000Z'],
      ['ETag', '"e"'],
      ['Size', '7'],
      ['ChecksumSHA256', 'abc='],
    ]);
  });
});

describe('listAllMyBucketsResult', () => {
  it('lists buckets, also none', () => {
    expect(listAllMyBucketsResult({ owner: bob, buckets: [] })).toBe(
      `${declaration}<ListAllMyBucketsResult ${xmlns}><Owner><ID>bob</ID><DisplayName>Bob</DisplayName></Owner>` +
        '<Buckets></Buckets></ListAllMyBucketsResult>',
    );
    const root = parseXml(
      listAllMyBucketsResult({
        owner: bob,
        buckets: [
          { name: 'b1', createdAt: 0 },
          { name: 'b2', createdAt: 86_400_000, bucketRegion: 'CH-GVA-2' },
        ],
        continuationToken: 't',
        prefix: 'b',
      }),
      { root: 'ListAllMyBucketsResult' },
    );
    const buckets = root.requiredChild('Buckets').children('Bucket');
    expect(buckets.map((bucket) => bucket.elements.map((field) => field.content))).toEqual([
      ['b1', '1970-01-01T00:00:00.000Z'],
      ['b2', '1970-01-02T00:00:00.000Z', 'CH-GVA-2'],
    ]);
    expect(root.text('ContinuationToken')).toBe('t');
    expect(root.text('Prefix')).toBe('b');
  });
});
