// Well-formed requests of every kind, which the fuzzer bends.

export interface Seed {
  readonly method: string;
  /** percent-encoded */
  readonly path: string;
  /** percent-encoded, without '?' */
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

export interface Places {
  /** of the caller, with versions */
  readonly bucket: string;
  /** an object in it */
  readonly key: string;
  /** an upload of that object that is open */
  readonly uploadId: string;
}

const NS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

/** Documents by the sub-resource of a bucket that takes them. */
const BUCKET_DOCUMENTS: Readonly<Record<string, string>> = {
  accelerate: `<AccelerateConfiguration ${NS}><Status>Enabled</Status></AccelerateConfiguration>`,
  acl: `<AccessControlPolicy ${NS}><Owner><ID>user@example.com</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>user@example.com</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>`,
  cors: `<CORSConfiguration ${NS}><CORSRule><ID>a</ID><AllowedOrigin>https://*.example.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader><ExposeHeader>etag</ExposeHeader><MaxAgeSeconds>5</MaxAgeSeconds></CORSRule></CORSConfiguration>`,
  encryption: `<ServerSideEncryptionConfiguration ${NS}><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>`,
  lifecycle: `<LifecycleConfiguration ${NS}><Rule><ID>r</ID><Filter><And><Prefix>a/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></And></Filter><Status>Enabled</Status><Expiration><Days>3</Days></Expiration><NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays></NoncurrentVersionExpiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>`,
  logging: `<BucketLoggingStatus ${NS}><LoggingEnabled><TargetBucket>somewhere</TargetBucket><TargetPrefix>l/</TargetPrefix></LoggingEnabled></BucketLoggingStatus>`,
  notification: `<NotificationConfiguration ${NS}><TopicConfiguration><Id>n</Id><Topic>arn:aws:sns:us-east-1:1:t</Topic><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>a</Value></FilterRule></S3Key></Filter></TopicConfiguration></NotificationConfiguration>`,
  'object-lock': `<ObjectLockConfiguration ${NS}><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>`,
  ownershipControls: `<OwnershipControls ${NS}><Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule></OwnershipControls>`,
  policy: `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Deny","Principal":"*","Action":["s3:Get*"],"NotResource":"arn:aws:s3:::b/*","Condition":{"StringLike":{"aws:UserAgent":["x*"]},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}}]}`,
  publicAccessBlock: `<PublicAccessBlockConfiguration ${NS}><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>`,
  replication: `<ReplicationConfiguration ${NS}><Role>arn:aws:iam::1:role/r</Role><Rule><ID>r</ID><Priority>1</Priority><Status>Enabled</Status><Filter><Prefix>a</Prefix></Filter><DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication><Destination><Bucket>arn:aws:s3:::elsewhere</Bucket></Destination></Rule></ReplicationConfiguration>`,
  requestPayment: `<RequestPaymentConfiguration ${NS}><Payer>Requester</Payer></RequestPaymentConfiguration>`,
  tagging: `<Tagging ${NS}><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>`,
  versioning: `<VersioningConfiguration ${NS}><Status>Enabled</Status></VersioningConfiguration>`,
  website: `<WebsiteConfiguration ${NS}><IndexDocument><Suffix>index.html</Suffix></IndexDocument><ErrorDocument><Key>e.html</Key></ErrorDocument><RoutingRules><RoutingRule><Condition><KeyPrefixEquals>a/</KeyPrefixEquals></Condition><Redirect><ReplaceKeyPrefixWith>b/</ReplaceKeyPrefixWith></Redirect></RoutingRule></RoutingRules></WebsiteConfiguration>`,
};

const INVENTORY = `<InventoryConfiguration ${NS}><Id>i</Id><IsEnabled>true</IsEnabled><Destination><S3BucketDestination><Format>CSV</Format><Bucket>arn:aws:s3:::b</Bucket></S3BucketDestination></Destination><Schedule><Frequency>Daily</Frequency></Schedule><IncludedObjectVersions>All</IncludedObjectVersions><OptionalFields><Field>Size</Field></OptionalFields></InventoryConfiguration>`;

const OBJECT_DOCUMENTS: Readonly<Record<string, string>> = {
  acl: BUCKET_DOCUMENTS['acl'] ?? '',
  tagging: BUCKET_DOCUMENTS['tagging'] ?? '',
  'legal-hold': `<LegalHold ${NS}><Status>OFF</Status></LegalHold>`,
  retention: `<Retention ${NS}><Mode>GOVERNANCE</Mode><RetainUntilDate>2020-01-01T00:00:00Z</RetainUntilDate></Retention>`,
};

const SELECT = `<SelectObjectContentRequest ${NS}><Expression>SELECT s._1, COUNT(*) FROM S3Object s WHERE CAST(s._2 AS INT) &gt; 3 AND s._1 LIKE 'a%'</Expression><ExpressionType>SQL</ExpressionType><InputSerialization><CSV><FileHeaderInfo>NONE</FileHeaderInfo></CSV></InputSerialization><OutputSerialization><JSON/></OutputSerialization><RequestProgress><Enabled>true</Enabled></RequestProgress></SelectObjectContentRequest>`;

/** Every sub-resource that is read by GET. */
const BUCKET_READS = [
  ...Object.keys(BUCKET_DOCUMENTS),
  'location',
  'policyStatus',
  'uploads',
  'versions',
  'inventory',
  'analytics',
  'metrics',
  'intelligent-tiering',
];
const LISTINGS = [
  'prefix=a%2F&delimiter=%2F&marker=b&max-keys=7&encoding-type=url',
  'list-type=2&prefix=a&start-after=b&continuation-token=abc&fetch-owner=true&max-keys=1000',
  'versions=&key-marker=a&version-id-marker=b&delimiter=%2F&max-keys=3',
  'uploads=&key-marker=a&upload-id-marker=b&max-uploads=2',
];
const OBJECT_READS = [...Object.keys(OBJECT_DOCUMENTS), 'attributes', 'torrent', 'versionId=null', 'partNumber=1'];

export function seedsFor({ bucket, key, uploadId }: Places): readonly Seed[] {
  const ofBucket = `/${bucket}`;
  const ofKey = `/${bucket}/${key}`;
  const upload = `uploadId=${encodeURIComponent(uploadId)}`;
  const read = (path: string, query: string, headers = {}): Seed => ({
    method: 'GET',
    path,
    query,
    headers,
    body: null,
  });
  const write = (method: string, path: string, query: string, body: string, headers = {}): Seed => ({
    method,
    path,
    query,
    headers,
    body: Buffer.from(body),
  });
  const object = Buffer.from('a,1\nb,7\n'.repeat(200));
  const tricky = {
    'x-amz-meta-note': 'plain',
    'x-amz-tagging': 'a=b&c=d',
    'x-amz-acl': 'private',
    'x-amz-storage-class': 'STANDARD',
    'content-type': 'text/csv; charset=utf-8',
    'cache-control': 'no-cache',
    'content-disposition': 'attachment; filename="x"',
    expires: 'Wed, 21 Oct 2026 07:28:00 GMT',
  };
  return [
    read('/', 'max-buckets=3&prefix=a&continuation-token=x'),
    ...BUCKET_READS.map((name) => read(ofBucket, name)),
    ...LISTINGS.map((query) => read(ofBucket, query)),
    ...Object.entries(BUCKET_DOCUMENTS).map(([name, text]) => write('PUT', ofBucket, name, text)),
    write('PUT', ofBucket, 'inventory&id=i', INVENTORY),
    ...['cors', 'tagging', 'policy', 'lifecycle', 'website', 'encryption'].map((name): Seed => ({
      ...read(ofBucket, name),
      method: 'DELETE',
    })),
    write(
      'PUT',
      `${ofBucket}-other`,
      '',
      `<CreateBucketConfiguration ${NS}><LocationConstraint>myregion</LocationConstraint></CreateBucketConfiguration>`,
    ),
    { ...read(ofBucket, ''), method: 'HEAD' },
    read(ofKey, '', { range: 'bytes=0-9', 'if-match': '"x"', 'if-modified-since': 'Wed, 21 Oct 2015 07:28:00 GMT' }),
    read(ofKey, 'response-content-type=text%2Fplain&response-expires=x', { 'x-amz-checksum-mode': 'ENABLED' }),
    ...OBJECT_READS.map((query) => read(ofKey, query, { 'x-amz-object-attributes': 'ETag,ObjectParts,Checksum' })),
    { ...read(ofKey, ''), method: 'HEAD' },
    ...Object.entries(OBJECT_DOCUMENTS).map(([name, text]) => write('PUT', ofKey, name, text)),
    { ...write('PUT', ofKey, '', '', tricky), body: object },
    {
      ...write('PUT', `${ofKey}/b`, '', '', { 'x-amz-checksum-crc32': 'AAAAAA==', 'if-none-match': '*' }),
      body: object,
    },
    {
      ...write('PUT', `${ofKey}/c`, '', '', {
        'x-amz-server-side-encryption-customer-algorithm': 'AES256',
        'x-amz-server-side-encryption-customer-key': Buffer.alloc(32, 1).toString('base64'),
        'x-amz-server-side-encryption-customer-key-md5': 'kV4RAAM7SFMBOE8BjAWqTQ==',
      }),
      body: object,
    },
    { ...write('PUT', `${ofKey}/d`, '', '', { 'x-amz-write-offset-bytes': '0' }), body: object },
    write('PUT', `${ofKey}/e`, '', '', {
      'x-amz-copy-source': `${ofKey}?versionId=null`,
      'x-amz-metadata-directive': 'REPLACE',
    }),
    write('PUT', `${ofKey}/f`, 'renameObject', '', { 'x-amz-rename-source': `${ofKey}/e` }),
    { ...read(`${ofKey}/b`, 'versionId=abc'), method: 'DELETE' },
    write('POST', ofKey, 'uploads', ''),
    { ...write('PUT', ofKey, `partNumber=1&${upload}`, ''), body: object },
    write('PUT', ofKey, `partNumber=2&${upload}`, '', {
      'x-amz-copy-source': ofKey,
      'x-amz-copy-source-range': 'bytes=0-9',
    }),
    read(ofKey, `${upload}&max-parts=2&part-number-marker=1`),
    write(
      'POST',
      ofKey,
      `${upload}1`,
      `<CompleteMultipartUpload ${NS}><Part><PartNumber>1</PartNumber><ETag>"x"</ETag></Part></CompleteMultipartUpload>`,
    ),
    { ...read(ofKey, `${upload}1`), method: 'DELETE' },
    write(
      'POST',
      ofBucket,
      'delete',
      `<Delete ${NS}><Quiet>true</Quiet><Object><Key>x</Key><VersionId>null</VersionId></Object><Object><Key>y</Key></Object></Delete>`,
    ),
    write('POST', ofKey, 'select&select-type=2', SELECT),
    write('POST', ofKey, 'restore', `<RestoreRequest ${NS}><Days>1</Days></RestoreRequest>`),
    write('POST', ofBucket, '', formBody(key), { 'content-type': 'multipart/form-data; boundary=xyz' }),
    write('POST', '/', '', 'Action=ListUsers&Version=2010-05-08&MaxItems=3', FORM),
    write(
      'POST',
      '/',
      '',
      'Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::1:role/r&RoleSessionName=s',
      FORM,
    ),
    write(
      'POST',
      '/',
      '',
      `Action=PutUserPolicy&Version=2010-05-08&UserName=u&PolicyName=p&PolicyDocument=${encodeURIComponent(BUCKET_DOCUMENTS['policy'] ?? '')}`,
      FORM,
    ),
    read('/-/admin/v1/server', ''),
    {
      ...read(ofKey, '', { origin: 'https://a.example.com', 'access-control-request-method': 'GET' }),
      method: 'OPTIONS',
    },
  ];
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };

function formBody(key: string): string {
  const field = (name: string, value: string): string =>
    `--xyz\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const policy = Buffer.from('{"expiration":"2030-01-01T00:00:00Z","conditions":[["starts-with","$key",""]]}');
  return [
    field('key', `${key}/\${filename}`),
    field('policy', policy.toString('base64')),
    field('AWSAccessKeyId', 'AKIAUSEROFWIRETESTS0'),
    field('signature', 'AAAA'),
    '--xyz\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--xyz--\r\n',
  ].join('');
}
