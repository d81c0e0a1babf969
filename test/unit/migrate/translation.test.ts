import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { CassandraTarget, Consistency } from '../../../src/config/types.js';
import type { Grant } from '../../../src/iam/acl-model.js';
import { dateMs, writtenAtMs } from '../../../src/migrate/old-dates.js';
import { translateAcl, translateCors } from '../../../src/migrate/old-documents.js';
import { translateHeaders } from '../../../src/migrate/old-headers.js';
import { OLD_TABLES, readTarget } from '../../../src/migrate/old-store.js';

const ALL = 'http://acs.amazonaws.com/groups/global/AllUsers';
const SIGNED = 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers';

describe('translateAcl', () => {
  const translate = (text: string | null) =>
    translateAcl(text, {
      owner: { id: 'me', displayName: 'Me' },
      displayNameOf: (tenant) => (tenant === 'me' ? 'Me' : tenant),
    });
  const short = ({ grantee, permission }: Grant) =>
    `${grantee.type === 'Group' ? grantee.uri : `${grantee.id} (${grantee.displayName})`} ${permission}`;

  it.each<[string, string[]]>([
    ['{:FULL_CONTROL [{:ID "me", :DisplayName "me"} {:ID "me", :DisplayName "me"}]}', ['me (Me) FULL_CONTROL']],
    ['{:FULL_CONTROL [{:ID "me"}], :READ [{:URI "anonymous"}]}', [`${ALL} READ`, 'me (Me) FULL_CONTROL']],
    ['{:READ [{:URI "authenticated-users"}]}', [`${SIGNED} READ`]],
    [`{:WRITE [{:URI "${SIGNED}"}]}`, [`${SIGNED} WRITE`]],
    ['{:READ [{:URI "staff"}], :READ_ACP [{:DisplayName "x", :ID "you"}]}', ['staff READ', 'you (you) READ_ACP']],
    // An anonymous writer's object.
    [
      '{:FULL_CONTROL [{:ID "me"} {:ID :anonymous, :DisplayName :anonymous}]}',
      [`${ALL} FULL_CONTROL`, 'me (Me) FULL_CONTROL'],
    ],
    ['{:READ [], :WRITE [], :FULL_CONTROL [{:ID "me"}]}', ['me (Me) FULL_CONTROL']],
    ['nil', []],
    ['{}', []],
  ])('%s', (text, grants) => {
    const { value, notes } = translate(text);
    expect(value?.owner).toEqual({ id: 'me', displayName: 'Me' });
    expect(value?.grants.map(short)).toEqual(grants);
    expect(notes).toEqual([]);
  });

  it('leaves the default where there is none', () => {
    expect(translate(null)).toEqual({ value: null, notes: [] });
  });

  it('says that the canned authenticated-read works now', () => {
    const { value, notes } = translate('{:READ [{:URI "authenticated"}]}');
    expect(value?.grants.map(short)).toEqual([`${SIGNED} READ`]);
    expect(notes).toHaveLength(1);
  });

  it.each(['{:READ', '"text"', '[1]'])('is private, and says so, for %s', (text) => {
    const { value, notes } = translate(text);
    expect(value).toBeNull();
    expect(notes[0]).toMatch(/private/);
  });

  it('leaves out what it does not know', () => {
    const { value, notes } = translate('{:invalid [{:ID "a"}], :READ [{:EMail "x"} {:ID :other} {:ID "b"}]}');
    expect(value?.grants.map(short)).toEqual(['b (b) READ']);
    expect(notes).toHaveLength(3);
  });
});

describe('translateCors', () => {
  it('reads rules', () => {
    const text =
      '[{:origins ["*"], :methods [:get :put], :headers ["X-*"], :exposed ["ETag"], :max-age "60"} ' +
      '{:origins ["https://a.example"], :methods [:delete], :headers [], :exposed [], :max-age nil}]';
    expect(translateCors(text)).toEqual({
      value: [
        {
          allowedOrigins: ['*'],
          allowedMethods: ['GET', 'PUT'],
          allowedHeaders: ['X-*'],
          exposeHeaders: ['ETag'],
          maxAgeSeconds: 60,
        },
        { allowedOrigins: ['https://a.example'], allowedMethods: ['DELETE'], allowedHeaders: [], exposeHeaders: [] },
      ],
      notes: [],
    });
  });

  it.each([null, '', '[]', 'nil'])('has none in %j', (text) => {
    expect(translateCors(text)).toEqual({ value: null, notes: [] });
  });

  it('leaves out rules that S3 has not, and says so', () => {
    const rule = (method: string, origin: string) =>
      `{:origins ["${origin}"], :methods [:${method}], :headers [], :exposed [], :max-age nil}`;
    const { value, notes } = translateCors(`[${rule('patch', '*')} ${rule('get', '*a*')} ${rule('head', '*')} 3]`);
    expect(value?.map(({ allowedMethods }) => allowedMethods)).toEqual([['HEAD']]);
    expect(notes).toHaveLength(3);
    expect(translateCors('[{')).toMatchObject({ value: null, notes: [expect.stringMatching(/cannot be read/)] });
  });
});

describe('translateHeaders', () => {
  it('keeps what S3 keeps', () => {
    const metadata = {
      'content-type': 'text/plain',
      'content-encoding': 'gzip',
      expires: 'Thu, 01 Dec 1994 16:00:00 GMT',
      'X-Amz-Meta-Name': 'value',
    };
    expect(translateHeaders(metadata)).toEqual({
      value: {
        'content-type': 'text/plain',
        'content-encoding': 'gzip',
        expires: 'Thu, 01 Dec 1994 16:00:00 GMT',
        'x-amz-meta-name': 'value',
      },
      notes: [],
    });
  });

  it("has the original's content type where there is none", () => {
    expect(translateHeaders({})).toEqual({ value: { 'content-type': 'application/binary' }, notes: [] });
  });

  it('makes byte strings of text', () => {
    const bytes = Buffer.from('日本').toString('latin1');
    expect(translateHeaders({ 'x-amz-meta-a': '日本', 'x-amz-meta-b': bytes }).value).toMatchObject({
      'x-amz-meta-a': bytes,
      'x-amz-meta-b': bytes,
    });
  });

  it('leaves out what no answer can carry, and says so', () => {
    const { value, notes } = translateHeaders({ 'cache-control': 'a\r\nb', 'x-amz-meta-a b': '1', initiated: 'now' });
    expect(value).toEqual({ 'content-type': 'application/binary' });
    expect(notes).toHaveLength(3);
  });
});

describe('dates', () => {
  it('reads ISO 8601, else the time of the version', () => {
    const version = '45e09e60-ab8c-11e4-8080-808080808080';
    expect(dateMs('2015-02-03T04:05:06.789Z')).toBe(Date.UTC(2015, 1, 3, 4, 5, 6, 789));
    expect(dateMs('yesterday')).toBeNull();
    expect(writtenAtMs('2015-02-03T04:05:06.789Z', version)).toBe(Date.UTC(2015, 1, 3, 4, 5, 6, 789));
    expect(new Date(writtenAtMs(null, version)).toISOString()).toBe('2015-02-03T10:06:08.407Z');
    expect(writtenAtMs(null, 'no uuid')).toBe(0);
  });
});

describe('the old keyspace', () => {
  it('shares no name of a table with ours, so that both may be one', async () => {
    const folder = new URL('../../../schema/', import.meta.url);
    const files = (await readdir(folder)).filter((name) => name.endsWith('.cql'));
    const texts = await Promise.all(files.map((name) => readFile(new URL(name, folder), 'utf8')));
    const ours = texts.flatMap((text) => [...text.matchAll(/TABLE[^;(]*\{keyspace\}\.(\w+)/g)].map(([, name]) => name));
    expect(ours).toContain('bucket_record');
    for (const name of Object.values(OLD_TABLES).flat()) expect(ours).not.toContain(name);
  });

  it.each<[Consistency, Consistency, Consistency]>([
    ['local-quorum', 'local-quorum', 'local-quorum'],
    ['one', 'quorum', 'quorum'],
    ['quorum', 'one', 'all'],
    ['one', 'local-one', 'all'],
    ['all', 'quorum', 'all'],
  ])('read at %s, written at %s: is read at %s', (readConsistency, writeConsistency, expected) => {
    const target = { readConsistency, writeConsistency } as CassandraTarget;
    expect(readTarget(target).readConsistency).toBe(expected);
  });
});
