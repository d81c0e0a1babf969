// DeleteObjects: many keys in one request, each with its own outcome, and requests that delete nothing.
import { DeleteObjectsCommand, HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { beforeEach, expect, it } from 'vitest';
import { createHash } from 'node:crypto';
import { etagOf, failure, put, text } from './helpers.js';
import { signedExchange } from './raw.js';
import { describeWire, KEYS } from './servers.js';

describeWire('DeleteObjects', (wire) => {
  let Bucket = '';
  beforeEach(async () => {
    Bucket = await wire.bucket();
    for (const key of ['a', 'b', 'c']) await put(wire.s3, Bucket, key, key);
  });

  const left = async (): Promise<(string | undefined)[]> => {
    const { Contents } = await wire.s3.send(new ListObjectsV2Command({ Bucket }));
    return (Contents ?? []).map(({ Key }) => Key);
  };
  const post = (body: string, headers: Readonly<Record<string, string>>) =>
    signedExchange(wire.server, { method: 'POST', target: `/${Bucket}?delete`, body, headers });
  const md5Of = (body: string): string => createHash('md5').update(body).digest('base64');

  it('counts a key that is not there as deleted', async () => {
    const Delete = { Objects: [{ Key: 'a' }, { Key: 'never there' }, { Key: 'c' }] };
    const { Deleted, Errors } = await wire.s3.send(new DeleteObjectsCommand({ Bucket, Delete }));
    expect(Deleted?.map(({ Key }) => Key).sort()).toEqual(['a', 'c', 'never there']);
    expect(Errors ?? []).toEqual([]);
    expect(await left()).toEqual(['b']);
  });

  it('tells only of errors when it is quiet', async () => {
    const Objects = [{ Key: 'a' }, { Key: 'b', ETag: etagOf('other') }, { Key: 'c', ETag: etagOf('c') }];
    const answer = await wire.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Quiet: true, Objects } }));
    expect(answer.Deleted ?? []).toEqual([]);
    expect(answer.Errors).toMatchObject([{ Key: 'b', Code: 'PreconditionFailed' }]);
    expect(await left()).toEqual(['b']);
  });

  it('reports a key that is too long and deletes the others', async () => {
    const Key = 'x'.repeat(1025);
    const Delete = { Objects: [{ Key }, { Key: 'a' }] };
    const { Deleted, Errors } = await wire.s3.send(new DeleteObjectsCommand({ Bucket, Delete }));
    expect(Errors).toMatchObject([{ Key, Code: 'KeyTooLongError' }]);
    expect(Deleted).toMatchObject([{ Key: 'a' }]);
  });

  it('takes 1,000 keys, no more and not none', async () => {
    const Objects = text(0, 1001).map((Key) => ({ Key }));
    await wire.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: Objects.slice(0, 1000) } }));
    for (const Delete of [{ Objects: [...Objects.slice(0, 1000), { Key: 'a' }] }, { Objects: [] }])
      expect(await failure(wire.s3.send(new DeleteObjectsCommand({ Bucket, Delete })))).toMatchObject({
        status: 400,
        code: 'MalformedXML',
      });
    expect(await left()).toEqual(['a', 'b', 'c']);
  });

  it('understands escapes, entities and unknown namespaces', async () => {
    const key = `<&>"'é\u00a0`;
    await put(wire.s3, Bucket, key, 'x');
    const body =
      '<?xml version="1.0" encoding="UTF-8"?>\n<Delete xmlns="urn:other">\n <Object><Key>&lt;&amp;&gt;&quot;&apos;&#233;&#xA0;</Key></Object>\n</Delete>';
    expect(await post(body, { 'content-md5': md5Of(body) })).toMatchObject({ status: 200 });
    expect(await left()).toEqual(['a', 'b', 'c']);
  });

  it('deletes nothing for a document it does not trust', async () => {
    const good = '<Delete><Object><Key>a</Key></Object></Delete>';
    const entity = '<!DOCTYPE d [<!ENTITY k "a">]><Delete><Object><Key>&k;</Key></Object></Delete>';
    for (const [body, headers, code] of [
      [good, {}, 'InvalidRequest'],
      [good, { 'content-md5': md5Of('other') }, 'BadDigest'],
      [good, { 'content-md5': 'short' }, 'InvalidDigest'],
      [good, { 'x-amz-checksum-crc32': 'AAAAAA==' }, 'BadDigest'],
      [good.slice(0, -3), { 'content-md5': md5Of(good.slice(0, -3)) }, 'MalformedXML'],
      [entity, { 'content-md5': md5Of(entity) }, 'MalformedXML'],
      ['{"Key":"a"}', { 'content-md5': md5Of('{"Key":"a"}') }, 'MalformedXML'],
    ] as const)
      expect(await post(body, headers)).toMatchObject({ status: 400, code });
    expect(await left()).toEqual(['a', 'b', 'c']);
  });

  it('is for those who may write the bucket', async () => {
    const Delete = { Objects: [{ Key: 'a' }] };
    // Each key is judged by itself: a policy may allow one and not another.
    const { Deleted, Errors } = await wire.client(KEYS.other).send(new DeleteObjectsCommand({ Bucket, Delete }));
    expect(Deleted ?? []).toEqual([]);
    expect(Errors).toMatchObject([{ Key: 'a', Code: 'AccessDenied' }]);
    await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'a' }));
  });
});
