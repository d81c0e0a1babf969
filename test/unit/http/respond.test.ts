/** Answers over real sockets: what becomes of the memory that their bodies are in. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MemoryBudget } from '../../../src/data/budget.js';
import { ChunkMemory } from '../../../src/data/chunk-memory.js';
import { respond } from '../../../src/http/respond.js';
import type { RespondOptions } from '../../../src/http/respond.js';

const CHUNK_BYTES = 256 * 1024;
const CHUNKS = 12;
const LENGTH_BYTES = CHUNKS * CHUNK_BYTES;

type Answer = (number: number) => Pick<RespondOptions, 'response' | 'pace'>;

/** Serves what answer says for /<number> while use runs. */
async function serving(answer: Answer, use: (origin: URL) => Promise<void>): Promise<void> {
  const server = createServer((message, reply) => {
    const aborter = new AbortController();
    reply.on('close', () => aborter.abort());
    respond(reply, {
      ...answer(Number(message.url?.slice(1))),
      common: {},
      method: 'GET',
      close: null,
      idleTimeoutMs: 60_000,
      signal: aborter.signal,
    }).catch(() => undefined);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    await use(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`));
  } finally {
    server.closeAllConnections();
    await once(server.close(), 'close');
  }
}

/** A body of one value, each chunk read into lent memory like a chunk of a blob. */
async function* filled(memory: ChunkMemory, value: number, chunks = CHUNKS): AsyncGenerator<Buffer> {
  for (let i = 0; i < chunks; i++) {
    await sleep(0);
    yield memory.take(CHUNK_BYTES).fill(value);
  }
}

const newMemory = (): ChunkMemory =>
  new ChunkMemory({ keepBytes: 2 * CHUNK_BYTES + 1024, ahead: new MemoryBudget({ limitBytes: 1 }) });

describe('a body in lent memory', () => {
  it('reaches each client whole, although the memory is used again meanwhile', async () => {
    const memory = newMemory();
    let sent = 0;
    const answer: Answer = (number) => ({
      response: {
        status: 200,
        headers: {},
        body: filled(memory, number),
        contentLengthBytes: LENGTH_BYTES,
        onSent: (piece) => {
          sent += 1;
          memory.give(piece);
        },
      },
      pace: null,
    });
    await serving(answer, async (origin) => {
      const numbers = Array.from({ length: 16 }, (_, i) => i + 1);
      await Promise.all(
        numbers.map(async (number) => {
          const body = Buffer.from(await (await fetch(new URL(String(number), origin))).arrayBuffer());
          expect(body.equals(Buffer.alloc(LENGTH_BYTES, number))).toBe(true);
        }),
      );
      expect(sent).toBe(numbers.length * CHUNKS);
      expect(memory.keptBytes).toBeGreaterThan(0);
    });
  });

  it('is not told of as sent while the client has not taken it', { timeout: 200_000 }, async () => {
    const memory = newMemory();
    let sent = 0;
    // More than the kernel's buffers hold.
    const chunks = 400;
    const contentLengthBytes = chunks * CHUNK_BYTES;
    const response = { status: 200, headers: {}, body: filled(memory, 1, chunks), contentLengthBytes };
    await serving(
      () => ({ response: { ...response, onSent: () => (sent += 1) }, pace: null }),
      async (origin) => {
        const client = connect(Number(origin.port), origin.hostname);
        client.pause();
        client.write('GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n');
        let before = -1;
        // Until the kernel's buffers are full.
        await expect.poll(() => before === (before = sent), { interval: 500, timeout: 60_000 }).toBe(true);
        expect(sent).toBeLessThan(chunks);
        let received = 0;
        client.on('data', (bytes: Buffer) => (received += bytes.length)).resume();
        await expect.poll(() => received, { timeout: 60_000 }).toBeGreaterThan(contentLengthBytes);
        await expect.poll(() => sent, { timeout: 60_000 }).toBe(chunks);
        client.destroy();
      },
    );
  });

  it('is nobody’s to use again where a pace cuts it up', async () => {
    const memory = newMemory();
    let sent = 0;
    const pace = { perSecond: 1e9, wait: () => Promise.resolve() };
    const response = { status: 200, headers: {}, body: filled(memory, 7), contentLengthBytes: LENGTH_BYTES };
    await serving(
      () => ({ response: { ...response, onSent: () => (sent += 1) }, pace }),
      async (origin) => {
        const body = Buffer.from(await (await fetch(origin)).arrayBuffer());
        expect(body.equals(Buffer.alloc(LENGTH_BYTES, 7))).toBe(true);
        expect(sent).toBe(0);
      },
    );
  });
});
