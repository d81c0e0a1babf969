// SelectObjectContent: the AWS SDK asks, over every format, and reads the messages of the answer.
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type {
  InputSerialization,
  S3Client,
  SelectObjectContentCommandInput,
  SelectObjectContentEventStream,
} from '@aws-sdk/client-s3';
import {
  HeadBucketCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  SelectObjectContentCommand,
} from '@aws-sdk/client-s3';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { beforeAll, describe, expect, it } from 'vitest';
import { failure, MIB, put } from './helpers.js';
import { exchange } from './raw.js';
import { describeWire, OTHER_KEY } from './servers.js';

type Query = Omit<
  SelectObjectContentCommandInput,
  'Bucket' | 'ExpressionType' | 'InputSerialization' | 'OutputSerialization'
> & {
  readonly input?: InputSerialization;
  readonly output?: SelectObjectContentCommandInput['OutputSerialization'];
};

const PEOPLE = 'name,age,city\nAda,36,London\nBob,7,"Paris, France"\nEve,52,Rome\n';
const USE: InputSerialization = { CSV: { FileHeaderInfo: 'USE' } };
const JSON_LINES: InputSerialization = { JSON: { Type: 'LINES' } };

function command(Bucket: string, { input = USE, output = { CSV: {} }, ...query }: Query): SelectObjectContentCommand {
  return new SelectObjectContentCommand({
    Bucket,
    ExpressionType: 'SQL',
    InputSerialization: input,
    OutputSerialization: output,
    ...query,
  });
}

interface Answer {
  readonly records: string;
  readonly events: readonly SelectObjectContentEventStream[];
}

async function ask(s3: S3Client, Bucket: string, query: Query): Promise<Answer> {
  const events: SelectObjectContentEventStream[] = [];
  const { Payload } = await s3.send(command(Bucket, query));
  for await (const event of Payload ?? []) events.push(event);
  if (events.at(-1)?.End === undefined) throw new Error('the answer has no end');
  const records = Buffer.concat(
    events.flatMap(({ Records }) => (Records?.Payload === undefined ? [] : [Records.Payload])),
  );
  return { records: records.toString(), events };
}

describeWire('select', (wire) => {
  let Bucket = '';
  beforeAll(async () => {
    Bucket = await wire.bucket();
    await put(wire.s3, Bucket, 'people.csv', PEOPLE);
  });
  const recordsOf = async (query: Query): Promise<string> => (await ask(wire.s3, Bucket, query)).records;

  it('answers queries over CSV', async () => {
    const Key = 'people.csv';
    const { records, events } = await ask(wire.s3, Bucket, {
      Key,
      Expression: 'SELECT s.name, s.city FROM S3Object s WHERE CAST(s.age AS INT) < 40',
    });
    expect(records).toBe('Ada,London\nBob,"Paris, France"\n');
    expect(events.find(({ Stats }) => Stats !== undefined)?.Stats?.Details).toEqual({
      BytesScanned: PEOPLE.length,
      BytesProcessed: PEOPLE.length,
      BytesReturned: records.length,
    });
    expect(await recordsOf({ Key, Expression: 'SELECT COUNT(*), MAX(age) FROM S3Object', output: { JSON: {} } })).toBe(
      '{"_1":3,"_2":52}\n',
    );
    const CSV = { QuoteFields: 'ALWAYS', FieldDelimiter: '|', RecordDelimiter: '\r\n' } as const;
    expect(await recordsOf({ Key, Expression: 'SELECT _1, _2 FROM S3Object LIMIT 1', output: { CSV } })).toBe(
      '"Ada"|"36"\r\n',
    );
    expect(await recordsOf({ Key, Expression: 'SELECT name FROM S3Object', ScanRange: { Start: 20, End: 30 } })).toBe(
      'Bob\n',
    );
  });

  it('tells the progress when asked', async () => {
    const { events } = await ask(wire.s3, Bucket, {
      Key: 'people.csv',
      Expression: 'SELECT * FROM S3Object',
      RequestProgress: { Enabled: true },
    });
    expect(events.map((event) => Object.keys(event)[0])).toEqual(['Records', 'Progress', 'Stats', 'End']);
    expect(events[1]?.Progress?.Details?.BytesScanned).toBe(PEOPLE.length);
  });

  it('answers queries over JSON', async () => {
    const lines = '{"id":1,"tags":["a"],"price":1.5}\n{"id":2,"tags":["b","c"],"price":12345678901234567890}\n';
    await put(wire.s3, Bucket, 'lines.json', lines);
    const Expression = "SELECT s.id, s.tags, s.price FROM S3Object s WHERE 'b' IN s.tags";
    expect(await recordsOf({ Key: 'lines.json', Expression, input: JSON_LINES, output: { JSON: {} } })).toBe(
      '{"id":2,"tags":["b","c"],"price":12345678901234567890}\n',
    );
    await put(
      wire.s3,
      Bucket,
      'document.json',
      JSON.stringify({ Rules: [{ id: '1' }, { x: 1 }, { id: '2' }] }, null, 2),
    );
    const document = { Key: 'document.json', input: { JSON: { Type: 'DOCUMENT' } }, output: { JSON: {} } } as const;
    expect(await recordsOf({ ...document, Expression: 'SELECT id FROM S3Object[*].Rules[*].id' })).toBe(
      '{"id":"1"}\n{}\n{"id":"2"}\n',
    );
  });

  it('answers queries over compressed objects', async () => {
    await put(wire.s3, Bucket, 'people.csv.gz', gzipSync(PEOPLE));
    // PEOPLE without its header and Eve, made by bzip2.
    const bzip2 = Buffer.from(BZIP2, 'base64');
    await put(wire.s3, Bucket, 'people.csv.bz2', bzip2);
    const Expression = 'SELECT * FROM S3Object';
    const input = { CSV: {} };
    expect(await recordsOf({ Key: 'people.csv.gz', Expression, input: { ...input, CompressionType: 'GZIP' } })).toBe(
      PEOPLE,
    );
    expect(await recordsOf({ Key: 'people.csv.bz2', Expression, input: { ...input, CompressionType: 'BZIP2' } })).toBe(
      'Ada,36,London\nBob,7,"Paris, France"\n',
    );
    const wrong = { Key: 'people.csv', Expression, input: { ...input, CompressionType: 'GZIP' } as const };
    expect(await failure(ask(wire.s3, Bucket, wrong))).toMatchObject({ status: 400, code: 'InvalidCompressionFormat' });
  });

  it('answers queries over Parquet', async () => {
    const rows = 50_000;
    const ids = Array.from({ length: rows }, (_, index) => index);
    const file = parquetWriteBuffer({
      columnData: [
        { name: 'id', data: ids, type: 'INT32' },
        {
          name: 'text',
          data: ids.map((id) => `${id} ${createHash('md5').update(String(id)).digest('hex')}`),
          type: 'STRING',
        },
        { name: 'at', data: ids.map((id) => new Date(id * 1000)), type: 'TIMESTAMP' },
      ],
      rowGroupSize: 20_000,
    });
    await put(wire.s3, Bucket, 'table.parquet', Buffer.from(file));
    const parquet = { Key: 'table.parquet', input: { Parquet: {} }, output: { JSON: {} } } as const;
    const { records, events } = await ask(wire.s3, Bucket, {
      ...parquet,
      Expression: 'SELECT s.id, s.at FROM S3Object s WHERE s.id >= 49999 OR s.id = 20000',
    });
    expect(records).toBe(
      '{"id":20000,"at":"1970-01-01T05:33:20.000Z"}\n{"id":49999,"at":"1970-01-01T13:53:19.000Z"}\n',
    );
    // The texts were not read.
    expect(events.find(({ Stats }) => Stats)?.Stats?.Details?.BytesScanned).toBeLessThan(file.byteLength / 2);
    expect(
      await recordsOf({ ...parquet, Expression: "SELECT COUNT(*) AS n FROM S3Object WHERE text LIKE '%abc%'" }),
    ).toMatch(/^\{"n":\d{2,4}\}\n$/);
    expect(
      await failure(ask(wire.s3, Bucket, { ...parquet, Key: 'people.csv', Expression: 'SELECT * FROM S3Object' })),
    ).toMatchObject({ status: 400, code: 'ParquetParsingError' });
  });

  it.each([
    ['SELEC * FROM S3Object', 'ParseUnexpectedToken', 'at line 1, column 1'],
    ['SELECT SQRT(1) FROM S3Object', 'UnsupportedFunction', 'SQRT at line 1, column 8'],
    ['SELECT CAST(s.name AS INT) FROM S3Object s', 'CastFailed', "'Ada'"],
    ['SELECT s.nobody FROM S3Object s', 'EvaluatorBindingDoesNotExist', 'nobody'],
  ])('refuses %s', async (Expression, code, said) => {
    const refused = await failure(ask(wire.s3, Bucket, { Key: 'people.csv', Expression }));
    expect(refused).toMatchObject({ status: 400, code });
    expect(refused.message).toContain(said);
  });

  it('refuses what is missing or wrong in the request', async () => {
    const all = { Key: 'people.csv', Expression: 'SELECT * FROM S3Object' };
    const refused = async (query: Partial<Query>): Promise<string> =>
      (await failure(ask(wire.s3, Bucket, { ...all, ...query }))).code;
    expect(await refused({ Expression: '' })).toBe('MissingRequiredParameter');
    expect(await refused({ input: {} })).toBe('MissingRequiredParameter');
    expect(await refused({ input: { CSV: {}, JSON: { Type: 'LINES' } } })).toBe('ObjectSerializationConflict');
    expect(await refused({ Key: 'nothing' })).toBe('NoSuchKey');
    expect(await refused({ ScanRange: { Start: 1000 } })).toBe('InvalidScanRange');
    expect(await failure(ask(wire.s3, 'no-such-bucket-at-all', all))).toMatchObject({
      status: 404,
      code: 'NoSuchBucket',
    });
  });

  it('an error after the first records ends the answer with its code', async () => {
    const lines = `${'{"a":"xxxxxxxxxxxxxxxxxxxx"}\n'.repeat(50_000)}not JSON\n`;
    await put(wire.s3, Bucket, 'broken.json', lines);
    const query = { Key: 'broken.json', Expression: 'SELECT * FROM S3Object', input: JSON_LINES, output: { JSON: {} } };
    const { Payload } = await wire.s3.send(command(Bucket, query));
    let records = 0;
    const reading = (async () => {
      for await (const event of Payload ?? []) records += event.Records?.Payload?.length ?? 0;
    })();
    await expect(reading).rejects.toMatchObject({ name: 'JSONParsingError' });
    expect(records).toBeGreaterThan(100_000);
    // The server goes on.
    await wire.s3.send(new HeadBucketCommand({ Bucket }));
  });

  it('opens what a customer sealed, with the key only', async () => {
    const key = randomBytes(32);
    const sealed = {
      SSECustomerAlgorithm: 'AES256',
      SSECustomerKey: key.toString('base64'),
      SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
    };
    await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'sealed.csv', Body: PEOPLE, ...sealed }));
    const query = { Key: 'sealed.csv', Expression: 'SELECT name FROM S3Object' };
    expect(await recordsOf({ ...query, ...sealed })).toBe('Ada\nBob\nEve\n');
    expect(await failure(ask(wire.s3, Bucket, query))).toMatchObject({ status: 400, code: 'InvalidRequest' });
    await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'sse.csv', Body: PEOPLE, ServerSideEncryption: 'AES256' }));
    expect(await recordsOf({ ...query, Key: 'sse.csv' })).toBe('Ada\nBob\nEve\n');
  });

  describe('is for those who may read the object', () => {
    const body =
      '<SelectObjectContentRequest><Expression>SELECT name FROM S3Object</Expression><ExpressionType>SQL</ExpressionType><InputSerialization><CSV><FileHeaderInfo>USE</FileHeaderInfo></CSV></InputSerialization><OutputSerialization><CSV/></OutputSerialization></SelectObjectContentRequest>';

    it('strangers as the ACL allows', async () => {
      await put(wire.s3, Bucket, 'acl.csv', PEOPLE);
      const target = `/${Bucket}/acl.csv?select&select-type=2`;
      const stranger = () => exchange(wire.server, { method: 'POST', target, body });
      const other = wire.client(OTHER_KEY);
      const query = { Key: 'acl.csv', Expression: 'SELECT name FROM S3Object' };
      expect(await stranger()).toMatchObject({ status: 403, code: 'AccessDenied' });
      expect(await failure(ask(other, Bucket, query))).toMatchObject({ status: 403, code: 'AccessDenied' });
      await wire.s3.send(new PutObjectAclCommand({ Bucket, Key: 'acl.csv', ACL: 'public-read' }));
      const answer = await stranger();
      expect(answer.status).toBe(200);
      expect(answer.headers).toMatchObject({
        'content-type': 'application/vnd.amazon.eventstream',
        'transfer-encoding': 'chunked',
      });
      expect(answer.body.toString('latin1')).toContain('Ada\nBob\nEve\n');
      expect((await ask(other, Bucket, query)).records).toBe('Ada\nBob\nEve\n');
      other.destroy();
    });

    it('ranges are asked for in the body', async () => {
      const target = `/${Bucket}/acl.csv?select&select-type=2`;
      const refused = await exchange(wire.server, { method: 'POST', target, body, headers: { range: 'bytes=0-1' } });
      expect(refused).toMatchObject({ status: 400, code: 'UnsupportedRangeHeader' });
    });
  });
});

/** 'Ada,36,London\nBob,7,"Paris, France"\n' */
const BZIP2 =
  'QlpoOTFBWSZTWZmRDDsAAAbfgAAQUAQJgDEEQAA+IZgAIAAxRoyBo0yNCmRoGho0yCs+g904ZGGIGJq6unAYp7BbMxP8XckU4UJCZkQw7A==';

describeWire(
  'select of much',
  (wire) => {
    const SIZE_BYTES = 50 * MIB;
    const LINE_BYTES = 64;
    const GROWTH_BYTES = 200 * MIB;

    function* lines(): Generator<Buffer> {
      const perPiece = 1024;
      for (let first = 0; first < SIZE_BYTES / LINE_BYTES; first += perPiece)
        yield Buffer.from(
          Array.from({ length: perPiece }, (_, index) =>
            `${first + index},${(first + index) % 1000},`.padEnd(LINE_BYTES - 1, 'x'),
          ).join('\n') + '\n',
        );
    }

    it('needs little memory, and lets others in', async () => {
      const Bucket = await wire.bucket();
      const Body = Readable.from(lines());
      await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'much.csv', Body, ContentLength: SIZE_BYTES }));
      const before = wire.server.peakRssBytes();
      const rows = SIZE_BYTES / LINE_BYTES;
      const query = { Key: 'much.csv', input: { CSV: {} } };
      const asking = Promise.all([
        ask(wire.s3, Bucket, { ...query, Expression: 'SELECT COUNT(*), SUM(CAST(_2 AS INT)) FROM S3Object' }),
        ask(wire.s3, Bucket, { ...query, Expression: 'SELECT _1 FROM S3Object WHERE CAST(_2 AS INT) = 999' }),
      ]);
      let answered = 0;
      const others = (async () => {
        for (let finished = false; !finished; answered += 1) {
          await wire.s3.send(new HeadBucketCommand({ Bucket }));
          finished = await Promise.race([
            asking.then(() => true),
            new Promise<false>((resolve) => setTimeout(resolve, 20, false)),
          ]);
        }
      })();
      const [counted, found] = await asking;
      await others;
      const sum = Array.from({ length: rows }, (_, index) => index % 1000).reduce((total, value) => total + value, 0);
      expect(counted.records).toBe(`${rows},${sum}\n`);
      expect(found.records.split('\n')).toHaveLength(Math.floor(rows / 1000) + 1);
      expect(answered).toBeGreaterThan(3);
      // All of it comes back, too.
      const { records } = await ask(wire.s3, Bucket, { ...query, Expression: 'SELECT * FROM S3Object' });
      expect(records.length).toBe(SIZE_BYTES);
      expect(wire.server.peakRssBytes() - before).toBeLessThan(GROWTH_BYTES);
    });
  },
  {},
  { ownKeyspace: true },
);
