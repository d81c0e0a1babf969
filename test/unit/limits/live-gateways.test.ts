import { afterEach, describe, expect, it } from 'vitest';
import { LiveGateways } from '../../../src/limits/live-gateways.js';
import type { IamStore } from '../../../src/store/types.js';

/** One account's documents, as the stores keep them. */
class Documents implements Pick<IamStore, 'revision' | 'list' | 'commit'> {
  readonly byName = new Map<string, string>();
  writes = 0;
  failing = false;
  #revision = 0;

  async revision(): Promise<number> {
    return Promise.resolve(this.#revision);
  }

  async list(): ReturnType<IamStore['list']> {
    if (this.failing) throw new Error('no quorum');
    return Promise.resolve([...this.byName].map(([name, json]) => ({ name, json })));
  }

  async commit(_account: string, { revision, changes }: Parameters<IamStore['commit']>[1]): Promise<boolean> {
    await Promise.resolve();
    if (revision !== this.#revision) return false;
    this.#revision++;
    this.writes++;
    for (const { name, json } of changes) {
      if (json === null) this.byName.delete(name);
      else this.byName.set(name, json);
    }
    return true;
  }
}

const INTERVAL_MS = 10;
const log = { warn: () => undefined };

describe('LiveGateways', () => {
  const opened: LiveGateways[] = [];
  const open = (store: Documents, id: string, now: () => number = Date.now) => {
    const gateways = new LiveGateways({ store, id, log, now, intervalMs: INTERVAL_MS });
    opened.push(gateways);
    return gateways;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((gateways) => gateways.stop()));
  });
  /** Long enough that a note does not lapse on a busy machine. */
  const note = (aheadMs: number) => JSON.stringify({ untilMs: Date.now() + aheadMs });

  it('is alone until it has looked, and then counts who is there', async () => {
    const store = new Documents();
    store.byName.set('other', note(600_000));
    store.byName.set('gone', note(-1));
    const gateways = open(store, 'own');
    expect(gateways.count()).toBe(1);
    await expect.poll(() => gateways.count()).toBe(2);
    expect(store.byName.has('own')).toBe(true);
    // Long dead ones are cleared away when a note is written.
    expect(store.byName.has('gone')).toBe(true);
    store.byName.set('gone', note(-1_000_000));
    await expect.poll(() => (gateways.count(), store.byName.has('gone'))).toBe(false);
    store.byName.delete('other');
    await expect.poll(() => gateways.count()).toBe(1);
  });

  it('shares its note with the other processes of the server', async () => {
    const store = new Documents();
    const processes = ['server', 'server', 'server'].map((id) => open(store, id));
    await expect.poll(() => (processes.map((one) => one.count()), store.writes)).toBeGreaterThan(2);
    expect([...store.byName.keys()]).toEqual(['server']);
    expect(processes.map((one) => one.count())).toEqual([1, 1, 1]);
  });

  it('writes nothing while nobody asks, and keeps its figure when the store fails', async () => {
    const store = new Documents();
    store.byName.set('other', note(600_000));
    const gateways = open(store, 'own');
    await new Promise((resolve) => setTimeout(resolve, 5 * INTERVAL_MS));
    expect(store.writes).toBe(0);
    await expect.poll(() => gateways.count()).toBe(2);
    store.failing = true;
    await new Promise((resolve) => setTimeout(resolve, 10 * INTERVAL_MS));
    expect(gateways.count()).toBe(2);
  });

  it('takes its note away at the end', async () => {
    const store = new Documents();
    const gateways = open(store, 'own');
    await expect.poll(() => (gateways.count(), store.byName.has('own'))).toBe(true);
    await gateways.stop();
    expect(store.byName.size).toBe(0);
    expect(gateways.count()).toBe(1);
  });
});
