// The answer as messages: what is in them, when they come, and what is read meanwhile.
import { describe, expect, it } from 'vitest';
import { errorMessage, message } from '../../../src/select/event-stream.js';
import { answerOf, decode, messagesOf, refusal, select } from './support.js';

const DATA = Array.from({ length: 100_000 }, (_, index) => `${index},${'x'.repeat(20)}\n`).join('');

const typeOf = ({ headers }: { readonly headers: Readonly<Record<string, string>> }): string =>
  headers[':event-type'] ?? '';

describe('framing', () => {
  it('is that of the documented example', () => {
    // https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html: an End message has 56 bytes, a Cont message 57.
    const end = message({ ':message-type': 'event', ':event-type': 'End' }, Buffer.alloc(0));
    expect(end.length).toBe(56);
    expect(end.readUInt32BE(4)).toBe(40);
    // Both checksums as other implementations compute them.
    expect(end.toString('hex', 8, 12)).toBe('c1c684d4');
    expect(end.toString('hex', 52)).toBe('cf97d392');
    expect(message({ ':message-type': 'event', ':event-type': 'Cont' }, Buffer.alloc(0)).length).toBe(57);
  });

  it('errors are messages of their own kind', () => {
    const [error] = decode(errorMessage('CastFailed', 'no ü'));
    expect(error?.headers).toEqual({ ':message-type': 'error', ':error-code': 'CastFailed', ':error-message': 'no ü' });
    expect(error?.payload).toHaveLength(0);
  });
});

describe('messages', () => {
  it('are Records, Stats and End', async () => {
    const messages = await answerOf('SELECT _1 FROM S3Object WHERE _1 < 3', DATA);
    expect(messages.map(typeOf)).toEqual(['Records', 'Stats', 'End']);
    expect(messages[0]?.headers).toMatchObject({
      ':message-type': 'event',
      ':content-type': 'application/octet-stream',
    });
    expect(messages[1]?.headers[':content-type']).toBe('text/xml');
    expect(messages[1]?.payload.toString()).toBe(
      `<?xml version="1.0" encoding="UTF-8"?><Stats><BytesScanned>${DATA.length}</BytesScanned><BytesProcessed>${DATA.length}</BytesProcessed><BytesReturned>6</BytesReturned></Stats>`,
    );
  });

  it('have no Records when there are none', async () => {
    expect((await answerOf('SELECT _1 FROM S3Object WHERE FALSE', DATA)).map(typeOf)).toEqual(['Stats', 'End']);
  });

  it('tell the progress when asked', async () => {
    const messages = await answerOf('SELECT * FROM S3Object', DATA, { progress: true, chunkBytes: 50_000 });
    const scanned = messages
      .filter((candidate) => typeOf(candidate) === 'Progress')
      .map(({ payload }) => Number(/<BytesScanned>(\d+)</.exec(payload.toString())?.[1]));
    expect(scanned.length).toBeGreaterThan(3);
    expect(scanned).toEqual([...scanned].sort((a, b) => a - b));
    expect(scanned.at(-1)).toBe(DATA.length);
  });

  it('keep the connection while nothing is found, and send what there is', async () => {
    const nothing = await answerOf('SELECT _1 FROM S3Object WHERE FALSE', DATA.repeat(3), { quietMs: 0 });
    expect(new Set(nothing.slice(0, -2).map(typeOf))).toEqual(new Set(['Cont']));
    const little = await answerOf('SELECT _1 FROM S3Object WHERE _1 < 1', DATA.repeat(3), { quietMs: 0 });
    expect(little.map(typeOf).indexOf('Records')).toBeLessThan(little.map(typeOf).lastIndexOf('Cont'));
  });

  it('hold at most 1 MiB, and a long record goes on in the next', async () => {
    const record = `${'ü'.repeat(1_000_000)}\n`;
    const messages = await answerOf('SELECT * FROM S3Object', record);
    const records = messages.filter((candidate) => typeOf(candidate) === 'Records');
    expect(records.map(({ payload }) => payload.length)).toEqual([1024 * 1024, 2_000_001 - 1024 * 1024]);
    expect(Buffer.concat(records.map(({ payload }) => payload)).toString()).toBe(record);
  });
});

describe('backpressure', () => {
  it('nothing is read that the client has not made room for', async () => {
    let readBytes = 0;
    const messages = messagesOf('SELECT * FROM S3Object', DATA, {
      chunkBytes: 10_000,
      onRead: (bytes) => (readBytes += bytes),
    });
    await messages.next();
    const first = readBytes;
    expect(first).toBeLessThan(DATA.length / 4);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(readBytes).toBe(first);
    await messages.next();
    expect(readBytes).toBeGreaterThan(first);
    await messages.return(undefined);
  });

  it('results that grow beyond their records do not pile up', async () => {
    const text = 'x'.repeat(200_000);
    const messages = messagesOf(`SELECT '${text}' FROM S3Object`, '1\n'.repeat(5000));
    for (let taken = 0; taken < 3; taken += 1) {
      const taking = await messages.next();
      expect((taking.value as Buffer).length).toBeLessThan(300_000);
    }
    await messages.return(undefined);
  });

  it('LIMIT ends the reading', async () => {
    let readBytes = 0;
    const onRead = (bytes: number): void => void (readBytes += bytes);
    expect(await select('SELECT _1 FROM S3Object LIMIT 2', DATA, { chunkBytes: 10_000, onRead })).toBe('0\n1\n');
    expect(readBytes).toBeLessThanOrEqual(20_000);
  });

  it('others get their turn, and a client that leaves ends the query', async () => {
    const controller = new AbortController();
    let turns = 0;
    const ticking = setInterval(() => {
      turns += 1;
      if (turns === 2) controller.abort(new Error('gone'));
    }, 1);
    const slow = `SELECT COUNT(*) FROM S3Object WHERE ${Array.from({ length: 50 }, (_, index) => `_2 LIKE '%a_${index}%'`).join(' OR ')}`;
    await expect(select(slow, DATA, { signal: controller.signal })).rejects.toThrow('gone');
    clearInterval(ticking);
    expect(turns).toBeGreaterThanOrEqual(2);
  });
});

describe('errors of the object', () => {
  it('are thrown after the records before them', async () => {
    const data = `${DATA}"open\n`;
    const messages = messagesOf('SELECT * FROM S3Object', data);
    expect((await messages.next()).done).toBe(false);
    await expect(
      (async () => {
        for await (const _ of messages);
      })(),
    ).rejects.toMatchObject({ code: 'CSVEscapingRecordDelimiter' });
    expect(await refusal('SELECT COUNT(*) FROM S3Object', data)).toMatch(/^CSVEscapingRecordDelimiter/);
  });
});
