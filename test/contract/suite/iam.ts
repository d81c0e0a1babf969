/** Contract of IamStore. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { transact } from '../../../src/iam/iam-store.js';
import type { IamStore } from '../../../src/store/types.js';
import { range, useStores } from './harness.js';
import type { MakeStores } from './harness.js';

const ALL = { prefix: '', after: '', limit: 1000 };

export function iamContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: identity documents`, () => {
    const fixture = useStores(makeStores);
    const setUp = () => ({ iam: fixture().stores.iam, account: `account-${randomUUID()}@example.com` });
    const put = (iam: IamStore, account: string, revision: number, names: readonly string[], kind = 'role') =>
      iam.commit(account, { revision, changes: names.map((each) => ({ kind, name: each, json: `{"n":"${each}"}` })) });
    const namesOf = async (iam: IamStore, account: string, query = ALL, kind = 'role') =>
      (await iam.list(account, kind, query)).map((document) => document.name);

    it('has nothing of an account that was never written', async () => {
      const { iam, account } = setUp();
      expect(await iam.revision(account)).toBe(0);
      expect(await iam.get(account, 'role', 'r')).toBeNull();
      expect(await iam.list(account, 'role', ALL)).toEqual([]);
    });

    it('gives documents back as they were put, and counts revisions', async () => {
      const { iam, account } = setUp();
      const json = JSON.stringify({ text: 'é𐀀 "quoted"\n', list: [1, null, true] });
      expect(await iam.commit(account, { revision: 0, changes: [{ kind: 'role', name: 'é𐀀', json }] })).toBe(true);
      expect(await iam.revision(account)).toBe(1);
      expect(await iam.get(account, 'role', 'é𐀀')).toBe(json);
      expect(await iam.get(account, 'user', 'é𐀀')).toBeNull();
      expect(await iam.get(`${account}x`, 'role', 'é𐀀')).toBeNull();
      expect(await iam.list(account, 'role', ALL)).toEqual([{ name: 'é𐀀', json }]);
    });

    it('commits all of the changes or, at another revision, none', async () => {
      const { iam, account } = setUp();
      expect(await put(iam, account, 0, ['a', 'b'])).toBe(true);
      const changes = [
        { kind: 'role', name: 'a', json: null },
        { kind: 'role', name: 'b', json: '{"changed":true}' },
        { kind: 'user', name: 'u', json: '{}' },
      ];
      for (const revision of [0, 2, 7]) expect(await iam.commit(account, { revision, changes })).toBe(false);
      expect(await namesOf(iam, account)).toEqual(['a', 'b']);
      expect(await iam.get(account, 'user', 'u')).toBeNull();
      expect(await iam.commit(account, { revision: 1, changes })).toBe(true);
      expect(await namesOf(iam, account)).toEqual(['b']);
      expect(await iam.get(account, 'role', 'b')).toBe('{"changed":true}');
      expect(await iam.get(account, 'user', 'u')).toBe('{}');
      expect(await iam.revision(account)).toBe(2);
    });

    it('goes on from revision to revision when everything was removed', async () => {
      const { iam, account } = setUp();
      await put(iam, account, 0, ['a']);
      expect(await iam.commit(account, { revision: 1, changes: [{ kind: 'role', name: 'a', json: null }] })).toBe(true);
      expect(await iam.list(account, 'role', ALL)).toEqual([]);
      expect(await iam.revision(account)).toBe(2);
      expect(await put(iam, account, 0, ['b'])).toBe(false);
      expect(await put(iam, account, 2, ['b'])).toBe(true);
    });

    it('lets exactly one of 20 commits at a revision through', async () => {
      const { iam, account } = setUp();
      const outcomes = await Promise.all(range(20).map((i) => put(iam, account, 0, [`r${i}`])));
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect(await namesOf(iam, account)).toEqual([`r${outcomes.indexOf(true)}`]);
      expect(await iam.revision(account)).toBe(1);
    });

    it('loses none of 20 concurrent transactions', async () => {
      const { iam, account } = setUp();
      await Promise.all(
        range(20).map(() =>
          transact(iam, account, async (transaction) => {
            const counted = (await transaction.get('account', 'account')) ?? { users: 0 };
            transaction.put('account', 'account', { ...counted, users: counted.users + 1 } as never);
          }),
        ),
      );
      expect(JSON.parse((await iam.get(account, 'account', 'account')) ?? '')).toEqual({ users: 20 });
    });

    it('lists in UTF-8 order, by prefix, after a name, and at most so many', async () => {
      const { iam, account } = setUp();
      const sorted = ['a', 'a/1', 'a/2', 'a0', 'b', 'z', 'é', '\u{e000}', '\u{10000}'];
      await put(iam, account, 0, [...sorted].reverse());
      await put(iam, account, 1, ['a/3'], 'user');
      expect(await namesOf(iam, account)).toEqual(sorted);
      expect(await namesOf(iam, account, { ...ALL, prefix: 'a/' })).toEqual(['a/1', 'a/2']);
      expect(await namesOf(iam, account, { ...ALL, prefix: 'a/', after: 'a/1' })).toEqual(['a/2']);
      expect(await namesOf(iam, account, { ...ALL, prefix: 'a/', after: 'a' })).toEqual(['a/1', 'a/2']);
      expect(await namesOf(iam, account, { ...ALL, after: 'b' })).toEqual(sorted.slice(5));
      expect(await namesOf(iam, account, { ...ALL, after: 'a', limit: 2 })).toEqual(['a/1', 'a/2']);
      expect(await namesOf(iam, account, { ...ALL, prefix: 'none' })).toEqual([]);
      expect(await namesOf(iam, account, { ...ALL, prefix: 'x'.repeat(5000) })).toEqual([]);
    });

    it('has 600 documents in one commit', async () => {
      const { iam, account } = setUp();
      const names = range(600).map((i) => String(i).padStart(4, '0'));
      expect(await put(iam, account, 0, names)).toBe(true);
      expect(await namesOf(iam, account)).toEqual(names);
    });

    it('finds the account of a key, and its last use', async () => {
      const { iam, account } = setUp();
      const key = `AKIA${randomUUID()}`;
      expect(await iam.findKey(key)).toBeNull();
      await iam.addKey(key, account);
      expect(await iam.findKey(key)).toEqual({ account, lastUse: null });
      const use = { atMs: 1_700_000_000_123, region: 'us-east-1', service: 's3' };
      await iam.useKey(key, use);
      expect(await iam.findKey(key)).toEqual({ account, lastUse: use });
      await iam.removeKey(key);
      await iam.removeKey(key);
      expect(await iam.findKey(key)).toBeNull();
      await iam.useKey(key, use);
      expect(await iam.findKey(key)).toBeNull();
    });

    it.each(['', 'x'.repeat(5000), 'constructor', 'é'])('has no key %s', async (key) => {
      expect(await setUp().iam.findKey(key)).toBeNull();
    });
  });
}
