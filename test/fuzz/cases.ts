// What the fuzzer sends, and what it must not get for it.
import { createHash } from 'node:crypto';
import type { Credentials } from '../support/config.js';
import type { Random } from '../support/random.js';
import { head } from '../wire/raw.js';
import { EMPTY_SHA256, hmacSha1, sha256Hex, signedChunks, signV2, signV4, unsignedChunks } from '../wire/signing.js';
import { bentBytes, bentSeed, nasty } from './mutate.js';
import type { Seed } from './seeds.js';

/**
 * `answer`: some answer. `anything`: an answer, or the end of the connection. `refusal`: an answer of 4xx.
 * `whole`: when it is accepted, the ETag is that of `payload`.
 */
export type Expectation = 'answer' | 'anything' | 'refusal' | 'whole';

export interface Case {
  readonly kind: string;
  /** Sent one after another. */
  readonly pieces: readonly Buffer[];
  readonly pauseMs: number;
  /** The client goes away after the last piece. */
  readonly cut: boolean;
  readonly method: string;
  readonly expect: Expectation;
  readonly payload: Buffer | null;
}

export interface World {
  readonly host: string;
  /** requests within the reach of `user` */
  readonly seeds: readonly Seed[];
  readonly user: Credentials;
  /** whose object nobody else may read */
  readonly other: Credentials;
  readonly privatePath: string;
  /** a place for uploads of `user` */
  readonly uploadPath: string;
}

type Maker = (random: Random, world: World) => Case;

/** By how often they come. */
const MAKERS: readonly (readonly [weight: number, Maker])[] = [
  [40, signedAndBent],
  [12, wrongSignature],
  [8, unsigned],
  [14, chunked],
  [8, malformedHttp],
  [6, cut],
  [6, inPieces],
  [6, bentAsAWhole],
];

export function nextCase(random: Random, world: World): Case {
  let lot = random.integer(
    0,
    MAKERS.reduce((sum, [weight]) => sum + weight, 0),
  );
  for (const [weight, make] of MAKERS) {
    if (lot < weight) return make(random, world);
    lot -= weight;
  }
  throw new RangeError('no such lot');
}

interface Plain {
  readonly kind: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
  readonly expect: Expectation;
}

function one({ kind, method, target, headers, body, expect }: Plain): Case {
  const all = { ...headers, ...(body !== null && { 'content-length': String(body.length) }), connection: 'close' };
  const bytes = Buffer.concat([Buffer.from(head(method, target, all), 'latin1'), body ?? Buffer.alloc(0)]);
  return { kind, method, pieces: [bytes], pauseMs: 0, cut: false, expect, payload: null };
}

function targetOf({ path, query }: Pick<Seed, 'path' | 'query'>): string {
  return query === '' ? path : `${path}?${query}`;
}

/** Rightly signed, so that it reaches the operations. */
function signed(random: Random, world: World, seed: Seed): { readonly headers: Record<string, string> } {
  const headers = { host: world.host, ...seed.headers };
  const content = seed.body ?? Buffer.alloc(0);
  const payload = random.chance(0.5) ? sha256Hex(content) : 'UNSIGNED-PAYLOAD';
  return signV4({ method: seed.method, path: seed.path, query: seed.query, headers, payload, credentials: world.user });
}

function signedAndBent(random: Random, world: World): Case {
  const seed = bentSeed(random, random.pick(world.seeds));
  const { headers } = signed(random, world, seed);
  // An Expect or Upgrade header has answers of its own.
  return one({ ...seed, kind: 'signed', target: targetOf(seed), headers, expect: 'answer' });
}

/** Somebody else's object, with a signature that is not the right one. */
function wrongSignature(random: Random, { host, other, privatePath: path }: World): Case {
  const common = { kind: 'signature', method: 'GET', target: path, body: null, expect: 'refusal' } as const;
  if (random.chance(0.3)) {
    const dated = { host, date: new Date().toUTCString() };
    const { authorization = '', ...rest } = signV2({
      method: 'GET',
      resource: path,
      headers: dated,
      credentials: other,
    });
    return one({ ...common, headers: { ...rest, authorization: bentSignature(random, authorization) } });
  }
  if (random.chance(0.3)) {
    const expires = String(Math.floor(Date.now() / 1000) + 60);
    const signature = hmacSha1(other.secretAccessKey, `GET\n\n\n${expires}\n${path}`);
    const wrong = encodeURIComponent(bentSignature(random, signature));
    const query = `AWSAccessKeyId=${other.accessKeyId}&Expires=${expires}&Signature=${wrong}`;
    return one({ ...common, target: `${path}?${query}`, headers: { host } });
  }
  const { headers } = signV4({ method: 'GET', path, headers: { host }, payload: EMPTY_SHA256, credentials: other });
  const authorization = bentSignature(random, headers['authorization'] ?? '');
  return one({ ...common, headers: { ...headers, authorization } });
}

/** One character of the last twenty is another one: of a hexadecimal or Base64 signature (whose very last one may not count). */
function bentSignature(random: Random, text: string): string {
  const at = text.length - random.integer(3, 20);
  const was = text[at] ?? '';
  const other = random.pick(Array.from('0123456789abcdef').filter((digit) => digit !== was));
  return text.slice(0, at) + other + text.slice(at + 1);
}

function unsigned(random: Random, { host, seeds, privatePath }: World): Case {
  const seed = random.pick(seeds);
  const bent = bentSeed(random, random.chance(0.5) ? seed : { ...seed, path: privatePath });
  return one({
    ...bent,
    kind: 'unsigned',
    target: targetOf(bent),
    headers: { host, ...bent.headers },
    expect: 'answer',
  });
}

function chunked(random: Random, { host, user, uploadPath: path }: World): Case {
  const payload = Buffer.alloc(random.integer(0, 30_000), random.integer(0, 256));
  const withSignatures = random.chance(0.5);
  const trailer = random.chance(0.5) ? (['x-amz-checksum-crc32', 'AAAAAA=='] as const) : null;
  const mode = withSignatures
    ? `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${trailer === null ? '' : '-TRAILER'}`
    : 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
  const length = random.chance(0.9) ? String(payload.length) : nasty(random).replaceAll(/[^ -~]/g, '');
  const given = {
    host,
    'content-encoding': 'aws-chunked',
    'x-amz-decoded-content-length': length,
    ...(trailer !== null && { 'x-amz-trailer': trailer[0] }),
  };
  const signature = signV4({ method: 'PUT', path, headers: given, payload: mode, credentials: user });
  const half = random.integer(0, payload.length + 1);
  const chunks = [payload.subarray(0, half), payload.subarray(half)].filter((chunk) => chunk.length > 0);
  const framed = withSignatures ? signedChunks(signature, chunks, trailer) : unsignedChunks(chunks, trailer);
  const body = random.chance(0.85) ? bentBytes(random, framed) : framed;
  const { headers } = signature;
  return {
    ...one({ kind: 'chunks', method: 'PUT', target: path, headers, body, expect: withSignatures ? 'whole' : 'answer' }),
    payload,
  };
}

const MALFORMED: readonly string[] = [
  'GET\r\n\r\n',
  'GET / HTTP/0.9\r\n\r\n',
  'GET / HTTP/3.0\r\nhost: a\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'GET  / HTTP/1.1\r\nhost: a\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n',
  'GET / HTTP/1.1\nhost: a\n\n',
  'GET / HTTP/1.1\r\nhost: a\r\n folded: b\r\n\r\n',
  'GET / HTTP/1.1\r\nhost : a\r\n\r\n',
  'GET / HTTP/1.1\r\nhost: a\r\nx: \x00\r\n\r\n',
  'GET / HTTP/1.1\r\nhost: a\r\n: b\r\n\r\n',
  'PUT /b/k HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  'PUT /b/k HTTP/1.1\r\nhost: a\r\ncontent-length: -5\r\n\r\n',
  'PUT /b/k HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcde',
  'PUT /b/k HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
  'PUT /b/k HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n',
  'PUT /b/k HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n',
  'CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n',
  'TRACE / HTTP/1.1\r\nhost: a\r\n\r\n',
  'GET http://[::1/ HTTP/1.1\r\nhost: a\r\n\r\n',
  'GET http://a:99999/b HTTP/1.1\r\nhost: a\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n',
  'GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
  'GET / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n\r\n',
  'GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(5),
];

function malformedHttp(random: Random): Case {
  const text = random.chance(0.1)
    ? `GET / HTTP/1.1\r\nhost: a\r\n${'x-amz-meta-a: b\r\n'.repeat(random.integer(100, 6000))}\r\n`
    : random.pick(MALFORMED);
  const bytes = Buffer.from(text, 'latin1');
  const sent = random.chance(0.5) ? bentBytes(random, bytes) : bytes;
  return { kind: 'http', method: 'GET', pieces: [sent], pauseMs: 0, cut: true, expect: 'anything', payload: null };
}

/** Clients that die in the midst of what they send. */
function cut(random: Random, world: World): Case {
  const whole = random.chance(0.5) ? signedAndBent(random, world) : chunked(random, world);
  const bytes = Buffer.concat(whole.pieces);
  return {
    ...whole,
    kind: 'cut',
    pieces: [bytes.subarray(0, random.integer(1, bytes.length))],
    cut: true,
    expect: 'anything',
  };
}

/** Slow clients. */
function inPieces(random: Random, world: World): Case {
  const whole = random.chance(0.5) ? signedAndBent(random, world) : chunked(random, world);
  const bytes = Buffer.concat(whole.pieces);
  const marks = Array.from({ length: random.integer(1, 12) }, () => random.integer(0, bytes.length)).sort(
    (a, b) => a - b,
  );
  const pieces = [0, ...marks].map((from, index) => bytes.subarray(from, [...marks, bytes.length][index]));
  return { ...whole, kind: 'pieces', pieces, pauseMs: random.integer(0, 4) };
}

/** A right request of which any byte may be another. */
function bentAsAWhole(random: Random, world: World): Case {
  const seed = random.pick(world.seeds);
  const { headers } = signed(random, world, seed);
  const whole = one({ ...seed, kind: 'bytes', target: targetOf(seed), headers, expect: 'anything' });
  return { ...whole, pieces: [bentBytes(random, Buffer.concat(whole.pieces))], cut: true };
}

export function md5Hex(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}
