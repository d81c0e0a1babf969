/** aws-chunked: whole bodies however they are cut, and every way a body can be wrong. */
import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AwsChunkedDecoder } from '../../../src/auth/aws-chunked.js';
import { checkedPayload, verifySha256 } from '../../../src/auth/checked-payload.js';
import { ChunkVerifier } from '../../../src/auth/chunk-verifier.js';
import type { ChunkedPayload } from '../../../src/auth/types.js';
import { chunksOf, collect, s3Error } from './support.js';

const KEY = Buffer.alloc(32, 7);
const SEED = '5'.repeat(64);
const TIMESTAMP = '20260524T120000Z';
const SCOPE = '20260524/us-east-1/s3/aws4_request';

const sha256 = (data: string): string => createHash('sha256').update(data, 'latin1').digest('hex');
const hmac = (lines: readonly string[]): string => createHmac('sha256', KEY).update(lines.join('\n')).digest('hex');

/** Signs and frames chunks the way the documentation describes, independently of the verifier. */
function signedBody(chunks: readonly string[], trailers: readonly string[] | null = null): string {
  let previous = SEED;
  let body = '';
  for (const chunk of [...chunks, '']) {
    previous = hmac(['AWS4-HMAC-SHA256-PAYLOAD', TIMESTAMP, SCOPE, previous, sha256(''), sha256(chunk)]);
    body += `${chunk.length.toString(16)};chunk-signature=${previous}\r\n${chunk === '' ? '' : `${chunk}\r\n`}`;
  }
  if (trailers === null) return `${body}\r\n`;
  const canonical = [...trailers].sort().map((trailer) => `${trailer}\n`);
  const signature = hmac(['AWS4-HMAC-SHA256-TRAILER', TIMESTAMP, SCOPE, previous, sha256(canonical.join(''))]);
  return `${body}${trailers.map((trailer) => `${trailer}\r\n`).join('')}x-amz-trailer-signature:${signature}\r\n\r\n`;
}

function plan(
  decodedLengthBytes: number,
  options: { signed?: boolean; trailerNames?: readonly string[] } = {},
): ChunkedPayload {
  const verifier =
    options.signed === true
      ? new ChunkVerifier({
          accessKey: 'AKID',
          signingKey: KEY,
          timestamp: TIMESTAMP,
          scope: SCOPE,
          seedSignature: SEED,
        })
      : null;
  return {
    kind: 'chunked',
    signed: verifier !== null,
    trailer: options.trailerNames !== undefined,
    trailerNames: options.trailerNames ?? [],
    decodedLengthBytes,
    verifier,
  };
}

async function decode(body: string | readonly string[], payload: ChunkedPayload) {
  const decoder = new AwsChunkedDecoder({
    source: chunksOf(...(typeof body === 'string' ? [body] : body)),
    plan: payload,
  });
  return { data: (await collect(decoder)).toString('latin1'), trailers: Object.fromEntries(decoder.trailers) };
}

const big = 'x'.repeat(8192);
const CRC = 'x-amz-checksum-crc32';

const valid: {
  name: string;
  body: string;
  plan: () => ChunkedPayload;
  data: string;
  trailers: Record<string, string>;
}[] = [
  {
    name: 'signed',
    body: signedBody([big, 'tail']),
    plan: () => plan(8196, { signed: true }),
    data: `${big}tail`,
    trailers: {},
  },
  { name: 'signed, empty', body: signedBody([]), plan: () => plan(0, { signed: true }), data: '', trailers: {} },
  {
    name: 'signed with trailers',
    body: signedBody(['data'], ['x-amz-b:2', 'x-amz-a:1']),
    plan: () => plan(4, { signed: true, trailerNames: ['x-amz-a', 'x-amz-b'] }),
    data: 'data',
    trailers: { 'x-amz-a': '1', 'x-amz-b': '2' },
  },
  {
    name: 'unsigned with a trailer',
    body: `3\r\nabc\r\n002\r\nde\r\n0\r\n${CRC}:AAAA\r\n\r\n`,
    plan: () => plan(5, { trailerNames: [CRC] }),
    data: 'abcde',
    trailers: { [CRC]: 'AAAA' },
  },
  {
    name: 'a trailer ended by LF, a blank line more than needed',
    body: `A\r\n0123456789\r\n0\r\n${CRC}: AAAA \n\r\n\r\n`,
    plan: () => plan(10, { trailerNames: [CRC] }),
    data: '0123456789',
    trailers: { [CRC]: 'AAAA' },
  },
  {
    name: 'a trailer after a blank line, its name in upper case',
    body: `0\r\n\r\n${CRC.toUpperCase()}:AAAA\r\n\r\n`,
    plan: () => plan(0, { trailerNames: [CRC] }),
    data: '',
    trailers: { [CRC]: 'AAAA' },
  },
  { name: 'unsigned without a trailer', body: '1\r\na\r\n0\r\n\r\n', plan: () => plan(1), data: 'a', trailers: {} },
  {
    name: 'data that looks like framing',
    body: '7\r\n0\r\n\r\n0\r\r\n0\r\n\r\n',
    plan: () => plan(7),
    data: '0\r\n\r\n0\r',
    trailers: {},
  },
];

describe.each(valid)('$name', ({ body, plan: makePlan, data, trailers }) => {
  it('decodes in one piece', async () => {
    expect(await decode(body, makePlan())).toEqual({ data, trailers });
  });

  it('decodes byte by byte', async () => {
    expect(await decode(body.split(/(?=[^])/), makePlan())).toEqual({ data, trailers });
  });

  it('decodes cut in two anywhere near framing', async () => {
    for (let cut = 0; cut <= body.length; cut++) {
      // Inside a run of data every cut is like its neighbours.
      if (body.slice(Math.max(0, cut - 20), cut + 20) === 'x'.repeat(40)) continue;
      expect(await decode([body.slice(0, cut), '', body.slice(cut)], makePlan())).toEqual({ data, trailers });
    }
  });

  it('is refused when cut short anywhere', async () => {
    for (let end = 0; end < body.length; end++) {
      if (body.slice(Math.max(0, end - 20), end + 20) === 'x'.repeat(40)) continue;
      const outcome = await decode(body.slice(0, end), makePlan()).catch((error: unknown) => error);
      // A second blank line at the end is optional.
      if (/\n\r\n$/.test(body.slice(0, end)) && body.slice(end) === '\r\n') continue;
      expect(outcome).toMatchObject({ name: 'S3Error', status: 400 });
    }
  });

  it('is refused with anything behind it', async () => {
    for (const extra of ['x', '0\r\n\r\n', 'name:value\r\n\r\n', '\r\n'.repeat(5)]) {
      const error = await s3Error(decode(body + extra, makePlan()));
      expect(['MalformedTrailerError', 'IncompleteBody']).toContain(error.code);
    }
  });
});

describe('a signed body', () => {
  it('is refused when any byte is changed', async () => {
    const body = signedBody(['some data'], ['x-amz-a:1']);
    const payload = () => plan(9, { signed: true, trailerNames: ['x-amz-a'] });
    expect((await decode(body, payload())).data).toBe('some data');
    for (let i = 0; i < body.length; i++) {
      // The lowest bit: another one could change only the case of a size or a name, which means the same.
      const flipped = String.fromCharCode(body.charCodeAt(i) ^ 1);
      const error = await s3Error(decode(body.slice(0, i) + flipped + body.slice(i + 1), payload()));
      expect(['SignatureDoesNotMatch', 'IncompleteBody', 'InvalidChunkSizeError', 'MalformedTrailerError']).toContain(
        error.code,
      );
    }
  });

  it('says which string a bad chunk should have signed', async () => {
    const error = await s3Error(decode(signedBody(['data']).replace('data', 'dato'), plan(4, { signed: true })));
    expect([error.code, error.status, error.detail.AWSAccessKeyId]).toEqual(['SignatureDoesNotMatch', 403, 'AKID']);
    expect(error.detail.StringToSign).toContain(
      `AWS4-HMAC-SHA256-PAYLOAD\n${TIMESTAMP}\n${SCOPE}\n${SEED}\n${sha256('')}\n${sha256('dato')}`,
    );
  });

  it('must keep its chunks in order', async () => {
    const other = 'y'.repeat(8192);
    const body = signedBody([big, other]);
    const end = body.indexOf('0;chunk-signature', 8192 * 2);
    const half = body.indexOf('2000;chunk-signature', 8192);
    const swapped = body.slice(half, end) + body.slice(0, half) + body.slice(end);
    expect((await s3Error(decode(swapped, plan(16384, { signed: true })))).code).toBe('SignatureDoesNotMatch');
    const dropped = body.slice(half);
    expect((await s3Error(decode(dropped, plan(8192, { signed: true })))).code).toBe('SignatureDoesNotMatch');
    const appended = signedBody([big]) + signedBody([other]);
    expect((await s3Error(decode(appended, plan(16384, { signed: true })))).code).toBe('IncompleteBody');
  });

  it('may have only its last chunk smaller than 8 KiB', async () => {
    const error = await s3Error(decode(signedBody(['small', 'last']), plan(9, { signed: true })));
    expect(error).toMatchObject({ code: 'InvalidChunkSizeError', detail: { Chunk: '1', BadChunkSize: '5' } });
  });

  it('must have signed trailers if it announced them', async () => {
    const body = signedBody(['data'], ['x-amz-a:1']).replace(/x-amz-trailer-signature.*\r\n/, '');
    const payload = plan(4, { signed: true, trailerNames: ['x-amz-a'] });
    expect((await s3Error(decode(body, payload))).code).toBe('MalformedTrailerError');
  });
});

describe('a body is refused when', () => {
  it.each([
    ['it is empty', '', 0, 'IncompleteBody'],
    ['it is not framed', 'just some data\r\n', 14, 'IncompleteBody'],
    ['a size is missing', '\r\nabc\r\n0\r\n\r\n', 3, 'IncompleteBody'],
    ['a size is no number', 'x\r\nabc\r\n0\r\n\r\n', 3, 'IncompleteBody'],
    ['a size has a sign', '+3\r\nabc\r\n0\r\n\r\n', 3, 'IncompleteBody'],
    ['a size has a prefix', '0x3\r\nabc\r\n0\r\n\r\n', 3, 'IncompleteBody'],
    ['a size is absurd', `${'f'.repeat(17)}\r\n`, 3, 'IncompleteBody'],
    ['a size goes beyond the object', '4\r\nabcd\r\n0\r\n\r\n', 3, 'IncompleteBody'],
    ['a header ends with LF', '3\nabc\r\n0\r\n\r\n', 3, 'IncompleteBody'],
    ['a chunk is longer than its size', '3\r\nabcd\r\n0\r\n\r\n', 3, 'IncompleteBody'],
    ['a chunk is shorter than its size', '3\r\nab\r\n0\r\n\r\n', 3, 'IncompleteBody'],
    ['the object is shorter than announced', '3\r\nabc\r\n0\r\n\r\n', 4, 'IncompleteBody'],
    ['an unsigned chunk has a signature', `3;chunk-signature=${SEED}\r\nabc\r\n0\r\n\r\n`, 3, 'IncompleteBody'],
    ['a header has no end', '0'.repeat(5000), 3, 'IncompleteBody'],
    ['a trailer was not announced', '0\r\nx-amz-b:1\r\n\r\n', 0, 'MalformedTrailerError'],
  ])('%s', async (_name, body, decodedLengthBytes, code) => {
    for (const pieces of [[body], body.split(/(?=[^])/)]) {
      expect((await s3Error(decode(pieces, plan(decodedLengthBytes)))).code).toBe(code);
    }
  });

  it.each([
    ['is missing', '0\r\n\r\n'],
    ['comes twice', '0\r\nx-amz-a:1\r\nx-amz-a:1\r\n\r\n'],
    ['is another', '0\r\nx-amz-b:1\r\n\r\n'],
    ['has no colon', '0\r\nx-amz-a\r\n\r\n'],
    ['has no name', '0\r\n:1\r\n\r\n'],
    ['is a signature of an unsigned body', `0\r\nx-amz-a:1\r\nx-amz-trailer-signature:${SEED}\r\n\r\n`],
    ['has no end', `0\r\nx-amz-a:${'1'.repeat(5000)}`],
  ])('a trailer %s', async (_name, body) => {
    expect((await s3Error(decode(body, plan(0, { trailerNames: ['x-amz-a'] })))).code).toBe('MalformedTrailerError');
  });
});

describe('streaming', () => {
  it('hands on slices of the input, without copies', async () => {
    const input = Buffer.from('5\r\nhello\r\n0\r\n\r\n');
    const decoder = new AwsChunkedDecoder({ source: chunksOf(input), plan: plan(5) });
    for await (const slice of decoder)
      expect([slice.buffer, slice.byteOffset]).toEqual([input.buffer, input.byteOffset + 3]);
  });

  it('hands on data before the chunk is complete', async () => {
    async function* source() {
      yield Buffer.from('5\r\nhel');
      throw new Error('connection lost');
    }
    const seen: string[] = [];
    const decoder = new AwsChunkedDecoder({ source: source(), plan: plan(5) });
    const reading = (async () => {
      for await (const slice of decoder) seen.push(slice.toString());
    })();
    await expect(reading).rejects.toThrow('connection lost');
    expect(seen).toEqual(['hel']);
  });

  it('closes the source when the reader stops early', async () => {
    let closed = false;
    async function* source() {
      try {
        yield Buffer.from('5\r\nhello\r\n');
        yield Buffer.from('0\r\n\r\n');
      } finally {
        closed = true;
      }
    }
    for await (const _slice of new AwsChunkedDecoder({ source: source(), plan: plan(5) })) break;
    expect(closed).toBe(true);
  });
});

describe('a body with a SHA-256', () => {
  it('passes when it is right, in either case', async () => {
    for (const hex of [sha256('abc'), sha256('abc').toUpperCase()]) {
      expect((await collect(verifySha256(chunksOf('a', 'bc'), hex))).toString()).toBe('abc');
    }
  });

  it('fails at its end when it is wrong', async () => {
    const { body } = checkedPayload(chunksOf('abd'), { kind: 'sha256', hex: sha256('abc') });
    expect(await s3Error(collect(body))).toMatchObject({
      code: 'XAmzContentSHA256Mismatch',
      status: 400,
      detail: { ClientComputedContentSHA256: sha256('abc'), S3ComputedContentSHA256: sha256('abd') },
    });
  });
});
