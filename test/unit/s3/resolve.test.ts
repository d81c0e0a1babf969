import { describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../../src/s3/operations.js';
import { QueryParams, resolveTarget } from '../../../src/s3/request.js';
import { OperationResolver } from '../../../src/s3/resolve.js';

const resolver = new OperationResolver(OPERATIONS);

function operationOf(line: string, headers: Record<string, string> = {}): string {
  const [method = '', url = ''] = line.split(' ');
  const target = resolveTarget({ method, url, headers: { host: '127.0.0.1:8080', ...headers } }, ['s3.example.com']);
  const query = new QueryParams(target.rawQuery);
  return resolver.resolve({ method, bucket: target.bucket, key: target.key, query, headers }).name;
}

const COPY = { 'x-amz-copy-source': 'b/k' };

describe('method and URL select the operation', () => {
  it.each([
    ['GET /', 'ListBuckets'],
    ['GET /?x-id=ListBuckets', 'ListBuckets'],
    ['PUT /b', 'CreateBucket'],
    ['PUT /b/', 'CreateBucket'],
    ['HEAD /b', 'HeadBucket'],
    ['DELETE /b', 'DeleteBucket'],
    ['GET /b', 'ListObjects'],
    ['GET /b?prefix=a&max-keys=2', 'ListObjects'],
    ['GET /b?list-type=2', 'ListObjectsV2'],
    ['GET /b?list-type=2&prefix=x&delimiter=%2F', 'ListObjectsV2'],
    ['GET /b?versions', 'ListObjectVersions'],
    ['GET /b?uploads', 'ListMultipartUploads'],
    ['GET /b?location', 'GetBucketLocation'],
    ['GET /b?acl', 'GetBucketAcl'],
    ['GET /b?acl=', 'GetBucketAcl'],
    ['PUT /b?acl', 'PutBucketAcl'],
    ['PUT /b?cors', 'PutBucketCors'],
    ['DELETE /b?cors', 'DeleteBucketCors'],
    ['GET /b?policy', 'GetBucketPolicy'],
    ['GET /b?notification', 'GetBucketNotificationConfiguration'],
    ['PUT /b?notification', 'PutBucketNotificationConfiguration'],
    ['GET /b?requestPayment', 'GetBucketRequestPayment'],
    ['GET /b?website', 'GetBucketWebsite'],
    ['PUT /b?website', 'PutBucketWebsite'],
    ['DELETE /b?website', 'DeleteBucketWebsite'],
    ['GET /b?inventory', 'ListBucketInventoryConfigurations'],
    ['GET /b?inventory&continuation-token=x', 'ListBucketInventoryConfigurations'],
    ['GET /b?inventory&id=report', 'GetBucketInventoryConfiguration'],
    ['PUT /b?inventory&id=report', 'PutBucketInventoryConfiguration'],
    ['DELETE /b?inventory&id=report', 'DeleteBucketInventoryConfiguration'],
    ['POST /b', 'PostObject'],
    ['POST /b?delete', 'DeleteObjects'],
    ['OPTIONS /b/k', 'PreflightObject'],
    ['PUT /b/k', 'PutObject'],
    ['PUT /b/k?x-id=PutObject', 'PutObject'],
    ['GET /b/k', 'GetObject'],
    ['GET /b/k?versionId=1', 'GetObject'],
    ['GET /b/k?partNumber=1', 'GetObject'],
    ['GET /b/k?response-content-type=text%2Fplain', 'GetObject'],
    ['GET /b/k?attributes', 'GetObjectAttributes'],
    ['HEAD /b/k', 'HeadObject'],
    ['DELETE /b/k', 'DeleteObject'],
    ['DELETE /b/k?versionId=1', 'DeleteObject'],
    ['POST /b/k?uploads', 'CreateMultipartUpload'],
    ['PUT /b/k?partNumber=1&uploadId=u', 'UploadPart'],
    ['GET /b/k?uploadId=u', 'ListParts'],
    ['POST /b/k?uploadId=u', 'CompleteMultipartUpload'],
    ['DELETE /b/k?uploadId=u', 'AbortMultipartUpload'],
    ['GET /b/k?acl&versionId=1', 'GetObjectAcl'],
    ['PUT /b/k?renameObject', 'RenameObject'],
    ['POST /b/k?restore', 'RestoreObject'],
    ['POST /b/k?select&select-type=2', 'SelectObjectContent'],
    ['GET /b/k?torrent', 'GetObjectTorrent'],
    ['GET /b?metrics', 'ListBucketMetricsConfigurations'],
    ['GET /b?metrics&id=x', 'GetBucketMetricsConfiguration'],
    ['GET /b?analytics&id=x&x-id=GetBucketAnalyticsConfiguration', 'GetBucketAnalyticsConfiguration'],
    ['DELETE /b?intelligent-tiering&id=x', 'DeleteBucketIntelligentTieringConfiguration'],
  ])('%s', (line, name) => {
    expect(operationOf(line)).toBe(name);
  });

  it('a copy source makes copies of puts', () => {
    expect(operationOf('PUT /b/k', COPY)).toBe('CopyObject');
    expect(operationOf('PUT /b/k?partNumber=1&uploadId=u', COPY)).toBe('UploadPartCopy');
  });

  it('refuses methods that a resource does not have', () => {
    expect(() => operationOf('DELETE /')).toThrow(expect.objectContaining({ code: 'MethodNotAllowed' }) as Error);
    expect(() => operationOf('POST /b?acl')).toThrow(expect.objectContaining({ code: 'MethodNotAllowed' }) as Error);
  });

  it('refuses two sub-resources at once', () => {
    expect(() => operationOf('GET /b?acl&cors')).toThrow(expect.objectContaining({ code: 'InvalidArgument' }) as Error);
  });

  it('start-up refuses ambiguous rows', () => {
    const first = OPERATIONS[0];
    if (!first) throw new Error('no operations');
    expect(() => new OperationResolver([first, { ...first, name: 'Twin' }])).toThrow(/same predicates/);
    expect(() => new OperationResolver([first, { ...first, method: 'PUT' }])).toThrow(/two rows/);
  });
});

describe('where bucket and key come from', () => {
  const at = (url: string, host: string) =>
    resolveTarget({ method: 'GET', url, headers: { host } }, ['s3.example.com']);

  it.each([
    ['/b/k', '127.0.0.1', 'b', 'k', false],
    ['/k', 'b.s3.example.com', 'b', 'k', true],
    ['/k', 'B.S3.Example.com:8080', 'b', 'k', true],
    ['/', 'a.b.s3.example.com', 'a.b', null, true],
    ['/b/k', 's3.example.com', 'b', 'k', false],
    ['/b/k', 'xs3.example.com', 'b', 'k', false],
    ['/b/a%2Fb%20c+d', '127.0.0.1', 'b', 'a/b c+d', false],
    ['/b//k', '127.0.0.1', 'b', '/k', false],
    ['/b/../k', '127.0.0.1', 'b', '../k', false],
    ['/b/%E4%BD%A0', '127.0.0.1', 'b', '你', false],
    ['http://b.s3.example.com/k?x=1', '104.197.27.250:8080', 'b', 'k', true],
    ['http://b.s3.example.com', '104.197.27.250:8080', 'b', null, true],
    ['http://s3.example.com/', 's3.example.com', null, null, false],
  ])('%s at %s', (url, host, bucket, key, virtualHosted) => {
    expect(at(url, host)).toMatchObject({ bucket, key, virtualHosted });
  });

  it.each([
    ['/tenant:b/k', 'b', 'tenant'],
    ['/:b/k', 'b', ''],
    ['/a%24c:b', 'b', 'a$c'],
    ['/b:', 'b:', undefined],
    ['/b/k:x', 'b', undefined],
  ])("Ceph's names of buckets: %s", (url, bucket, bucketTenant) => {
    expect(at(url, '127.0.0.1')).toMatchObject({ bucket });
    expect(at(url, '127.0.0.1').bucketTenant).toBe(bucketTenant);
  });

  it('refuses paths that are not percent-encoded UTF-8', () => {
    expect(() => at('/b/%zz', '127.0.0.1')).toThrow(expect.objectContaining({ code: 'InvalidURI' }) as Error);
    expect(() => at('/b/%ff', '127.0.0.1')).toThrow(expect.objectContaining({ code: 'InvalidURI' }) as Error);
  });
});
