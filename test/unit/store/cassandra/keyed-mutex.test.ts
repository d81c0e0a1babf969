import { describe, expect, it } from 'vitest';
import { KeyedMutex } from '../../../../src/store/cassandra/keyed-mutex.js';
import { Semaphore } from '../../../../src/store/cassandra/semaphore.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('KeyedMutex', () => {
  it('lets one in per key, in order, and forgets idle keys', async () => {
    const mutex = new KeyedMutex();
    const order: string[] = [];
    const task = (name: string) => async () => {
      order.push(`+${name}`);
      await turn();
      order.push(`-${name}`);
      return name;
    };
    const results = await Promise.all([
      mutex.run('k', task('a')),
      mutex.run('k', task('b')),
      mutex.run('other', task('c')),
      mutex.run('k', task('d')),
    ]);
    expect(results).toEqual(['a', 'b', 'c', 'd']);
    expect(order.filter((step) => !step.endsWith('c'))).toEqual(['+a', '-a', '+b', '-b', '+d', '-d']);
    expect(order.indexOf('+c')).toBeLessThan(order.indexOf('+b'));
    expect(mutex.size).toBe(0);
  });

  it('goes on after a failure', async () => {
    const mutex = new KeyedMutex();
    const failing = mutex.run('k', async () => {
      await turn();
      throw new Error('no');
    });
    const next = mutex.run('k', async () => 'yes');
    await expect(failing).rejects.toThrow('no');
    await expect(next).resolves.toBe('yes');
    expect(mutex.size).toBe(0);
  });
});

describe('Semaphore', () => {
  it('never runs more tasks than it has permits', async () => {
    const semaphore = new Semaphore(3);
    let running = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 20 }, () =>
        semaphore.run(async () => {
          running += 1;
          most = Math.max(most, running);
          await turn();
          running -= 1;
        }),
      ),
    );
    expect(most).toBe(3);
    expect(running).toBe(0);
  });
});
