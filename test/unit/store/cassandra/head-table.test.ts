// Reads of a key whose last change has reached one replica of three so far.
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { HeadTable } from '../../../../src/store/cassandra/head-table.js';
import type { Head } from '../../../../src/store/cassandra/head-table.js';
import { applyChange } from '../../../../src/store/shared/key-change.js';
import type { BucketRef, KeyChange, ObjectVersion } from '../../../../src/store/types.js';
import { DRAFT } from './heads.js';
import { Replicas } from './replicas.js';

const BUCKET: BucketRef = { name: 'b', instance: randomUUID(), region: 'r' };
const KEY = 'key';

function content(text: string): KeyChange {
  const draft = {
    ...DRAFT,
    etag: text,
    sizeBytes: text.length,
    data: { kind: 'inline', bytes: Buffer.from(text) } as const,
  };
  return { put: { draft, isNull: true } };
}

function setUp() {
  const replicas = new Replicas();
  const heads = new HeadTable(replicas.session);
  let nowMs = 1_000;
  const load = (): Promise<Head> => heads.load(BUCKET, KEY, 'latest', { withInline: false, serial: false });
  const change = async (of: (head: Head) => KeyChange): Promise<void> => {
    const head = await load();
    const applied = applyChange(head.state, of(head), (nowMs += 1));
    const write = { applied, token: Buffer.alloc(8, nowMs), versioned: false, timeoutMs: 1_000 };
    await heads.write(BUCKET, KEY, head, write);
  };
  const get = (): Promise<ObjectVersion | null> => heads.version(BUCKET, KEY, 'latest', true);
  const stat = (): Promise<ObjectVersion | null> => heads.version(BUCKET, KEY, 'latest', false);
  return { replicas, heads, load, change, get, stat };
}

function textOf(version: ObjectVersion | null): string | null {
  return version?.data.kind === 'inline' ? String(version.data.bytes) : null;
}

describe.each(['before', null])('a key that was %s, under a change that only one replica has', (before) => {
  it.each(['HEAD', 'a commit'])('has the bytes of its document, after %s has seen the change', async (reader) => {
    const { replicas, load, change, get, stat } = setUp();
    if (before !== null) await change(() => content(before));
    replicas.reached = [0];
    await change(() => content('after'));
    replicas.quorum = [0, 1];
    const seen = reader === 'HEAD' ? await stat() : (await load()).state.latest;
    expect(seen?.etag).toBe('after');
    replicas.quorum = [1, 2];
    const version = await get();
    expect(version?.etag).toBe('after');
    expect(textOf(version)).toBe('after');
  });
});

it('what a commit is decided on goes with its clock, whichever replicas its reads ask', async () => {
  const { replicas, heads, load, change } = setUp();
  await change(() => content('before'));
  const { clock } = await load();
  replicas.reached = [0];
  await change(() => content('after'));
  replicas.next = [
    [1, 2],
    [0, 1],
  ];
  replicas.quorum = [1, 2];
  const head = await heads.load(BUCKET, KEY, { versionId: 'null' }, { withInline: true, serial: false });
  const { selected } = head.state;
  expect(selected?.etag).toBe(head.clock === clock ? 'before' : 'after');
  expect(textOf(selected)).toBe(selected?.etag);
});

describe('the bytes of an inlined object', () => {
  it('keep their checksum when the version is written back without them', async () => {
    const { replicas, change, get } = setUp();
    await change(() => content('text'));
    await change(({ state: { latest } }) => {
      if (latest === null) throw new Error('nothing there');
      return { replace: { ...latest, tags: { colour: 'red' } } };
    });
    expect(await get()).toMatchObject({ etag: 'text', tags: { colour: 'red' } });
    expect(textOf(await get())).toBe('text');
    replicas.damage();
    await expect(get()).rejects.toMatchObject({ kind: 'corrupt' });
  });

  it('are never handed out damaged', async () => {
    const { replicas, change, get, stat } = setUp();
    await change(() => content('text'));
    replicas.damage();
    expect((await stat())?.etag).toBe('text');
    await expect(get()).rejects.toMatchObject({ kind: 'corrupt' });
  });
});
