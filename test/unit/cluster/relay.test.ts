import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { ToWorker } from '../../../src/cluster/messages.js';
import { WorkerPeers } from '../../../src/cluster/peers.js';
import { Relay } from '../../../src/cluster/relay.js';

/** A worker and its end of the channel; messages arrive one turn later, as between processes. */
class Worker extends EventEmitter {
  readonly id: number;
  readonly peers: WorkerPeers;
  readonly forgotten: string[] = [];
  connected = true;
  /** false: it hangs, nothing that arrives is read */
  reads = true;

  constructor(id: number, relay: Relay) {
    super();
    this.id = id;
    relay.join(this);
    this.peers = new WorkerPeers({
      send: (message) => setImmediate(() => this.connected && relay.receive(this, message)),
      on: (event, listener) => this.on(event, listener),
    });
    this.peers.onAnnounced('bucket', (name) => this.forgotten.push(name));
  }

  isConnected(): boolean {
    return this.connected;
  }

  send(message: ToWorker): void {
    setImmediate(() => this.reads && this.emit('message', message));
  }
}

const workersOf = (relay: Relay, count: number) => Array.from({ length: count }, (_, id) => new Worker(id, relay));
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

describe('announcements between workers', () => {
  it('are acknowledged when all others have forgotten', async () => {
    const [first, second, third] = workersOf(new Relay(), 3) as [Worker, Worker, Worker];
    await first.peers.announce('bucket', 'photos');
    expect([first.forgotten, second.forgotten, third.forgotten]).toEqual([[], ['photos'], ['photos']]);
  });

  it('reach nobody who did not ask for the topic', async () => {
    const [first, second] = workersOf(new Relay(), 2) as [Worker, Worker];
    await first.peers.announce('iam', 'photos');
    expect(second.forgotten).toEqual([]);
  });

  it('of several workers at once keep their numbers apart', async () => {
    const workers = workersOf(new Relay(), 4);
    await Promise.all(workers.flatMap((worker) => ['a', 'b'].map((name) => worker.peers.announce('bucket', name))));
    for (const { forgotten } of workers) expect([...forgotten].sort()).toEqual(['a', 'a', 'a', 'b', 'b', 'b']);
  });

  it('do not wait for a worker that ends meanwhile', async () => {
    const relay = new Relay();
    const [first, second, third] = workersOf(relay, 3) as [Worker, Worker, Worker];
    second.reads = false;
    let acknowledged = false;
    const announced = first.peers.announce('bucket', 'photos').then(() => (acknowledged = true));
    await until(() => third.forgotten.length > 0);
    expect(acknowledged).toBe(false);
    second.connected = false;
    relay.leave(second);
    await announced;
  });

  it('need no other worker', async () => {
    const [only] = workersOf(new Relay(), 1) as [Worker];
    await expect(only.peers.announce('bucket', 'photos')).resolves.toBeUndefined();
  });
});
