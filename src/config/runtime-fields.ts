// Field tables of what is new here: encryption, limits and gc.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { duration, integer, path, positiveNumber, reasonOf, size, textLike } from './parsers.js';
import { defaulted, join, listOf, nested, optional, refuse, section } from './schema.js';
import type { Parser } from './schema.js';
import type { EncryptionConfig, GcConfig, LimitsConfig, MasterKey, RateLimitConfig } from './types.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const KEY_BYTES = 32;
const KEY_FORM = `${KEY_BYTES} random bytes in base64 or hex, as from 'openssl rand -base64 ${KEY_BYTES}'`;

/** 32 bytes from 64 hex digits or from base64 (padded or not, either alphabet); null for anything else. */
function decodeKey(encoded: string): Buffer | null {
  if (/^[0-9a-fA-F]{64}$/.test(encoded)) return Buffer.from(encoded, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(encoded)) return null;
  const key = Buffer.from(encoded, 'base64');
  return key.length === KEY_BYTES ? key : null;
}

const inlineKey: Parser<Buffer> = (place) => {
  const encoded = place.node.kind === 'text' ? place.node.text.trim() : '';
  return decodeKey(encoded) ?? refuse(place, `must be ${KEY_FORM}`);
};

/** The key that a file holds, as 32 raw bytes or in the form of an inline key. */
const keyFromFile: Parser<Buffer> = (place) => {
  const file = path(place);
  if (file === null) return null;
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    return refuse(place, `cannot read ${file} (${reasonOf(error)})`);
  }
  const key = decodeKey(content.toString('latin1').trim()) ?? (content.length === KEY_BYTES ? content : null);
  return key ?? refuse(place, `${file} must hold ${KEY_FORM}, or ${KEY_BYTES} raw bytes`);
};

/** A key's name when the file gives none: it follows from the key, so every gateway derives the same. */
export function deriveKeyId(key: Buffer): string {
  return createHash('sha256').update('pithos master key id\n').update(key).digest('hex').slice(0, 16);
}

const keyId = textLike(/^[A-Za-z0-9._-]{1,64}$/, '1 to 64 letters, digits, dots, hyphens and underscores');

interface KeySource {
  readonly id?: string;
  readonly inline?: Buffer;
  readonly file?: Buffer;
}

function masterKeyOf({ id, inline, file }: KeySource): MasterKey | null {
  const key = inline ?? file;
  return key === undefined ? null : { id: id ?? deriveKeyId(key), key };
}

const previousKeySection = section({
  fields: { id: optional('id', keyId), inline: optional('key', inlineKey), file: optional('key-file', keyFromFile) },
  check: (value, place) => {
    const given = Number(value.inline !== undefined) + Number(value.file !== undefined);
    if (given !== 1) refuse(place, 'needs either key or key-file');
  },
});
const previousKey: Parser<MasterKey> = (place) => {
  const raw = previousKeySection(place);
  return raw === null ? null : masterKeyOf(raw);
};

const encryptionSection = section({
  fields: {
    id: optional('master-key-id', keyId),
    inline: optional('master-key', inlineKey),
    file: optional('master-key-file', keyFromFile),
    previousKeys: defaulted('previous-keys', listOf(previousKey), []),
  },
  check: (value, place) => {
    const { issues } = place.reader;
    const { line } = place.node;
    if (value.inline !== undefined && value.file !== undefined) {
      issues.fault({ line, key: join(place.key, 'master-key-file'), reason: 'means the same as master-key: keep one' });
    }
    const master = masterKeyOf(value);
    if (master === null && value.id !== undefined) {
      issues.fault({ line, key: join(place.key, 'master-key-id'), reason: 'names a key that is not given' });
    }
    const ids = [...(master === null ? [] : [master]), ...value.previousKeys].map(({ id }) => id);
    if (new Set(ids).size < ids.length) {
      issues.fault({ line, key: join(place.key, 'previous-keys'), reason: 'two keys have the same id' });
    }
  },
});

export const encryption: Parser<EncryptionConfig> = (place) => {
  const raw = encryptionSection(place);
  return raw === null ? null : { masterKey: masterKeyOf(raw), previousKeys: raw.previousKeys };
};

const rateLimit: Parser<RateLimitConfig> = section({
  fields: {
    perAccessKey: optional('per-access-key', positiveNumber),
    perAddress: optional('per-address', positiveNumber),
  },
});

export const limits: Parser<LimitsConfig> = section({
  fields: {
    // Every version of a key keeps its inline data in the key's one head partition, hence the ceiling.
    inlineThresholdBytes: defaulted('inline-threshold', size({ min: 0, max: MIB }), 32 * KIB),
    maxBufferMemoryBytes: defaulted('max-buffer-memory', size({ min: 16 * MIB, max: 1024 * 1024 * MIB }), 128 * MIB),
    requestTimeoutMs: defaulted('request-timeout', duration({ min: SECOND_MS, max: 7 * DAY_MS, zero: true }), 0),
    headersTimeoutMs: defaulted('headers-timeout', duration({ min: SECOND_MS, max: 10 * MINUTE_MS }), 30 * SECOND_MS),
    // Longer than the 60 s of common load balancers, so that the balancer closes first and never reuses a dead connection.
    keepAliveTimeoutMs: defaulted('keep-alive-timeout', duration({ min: SECOND_MS, max: HOUR_MS }), 75 * SECOND_MS),
    maxConnections: defaulted('max-connections', integer({ min: 0, max: 1_000_000 }), 10_000),
    bodyIdleTimeoutMs: defaulted('body-idle-timeout', duration({ min: SECOND_MS, max: HOUR_MS }), 30 * SECOND_MS),
    rateLimit: optional('rate-limit', rateLimit),
  },
});

export const gc: Parser<GcConfig> = section({
  fields: {
    intervalMs: defaulted('interval', duration({ min: 100, max: 7 * DAY_MS, zero: true }), 5 * MINUTE_MS),
    graceMs: defaulted('grace', duration({ min: SECOND_MS, max: 30 * DAY_MS }), HOUR_MS),
    intentLeaseMs: defaulted('intent-lease', duration({ min: SECOND_MS, max: 7 * DAY_MS }), 15 * MINUTE_MS),
  },
});

/** For load.ts: the sections of this file, each of which may be left out. */
export const runtimeFields = {
  encryption: nested('encryption', encryption),
  limits: nested('limits', limits),
  gc: nested('gc', gc),
} as const;
