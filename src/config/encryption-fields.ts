// Field table of encryption: master keys of SSE-S3, the keys of the local KMS, and what is asked of customers' keys.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { flag, path, reasonOf, textLike } from './parsers.js';
import { defaulted, join, listOf, optional, record, refuse, section } from './schema.js';
import type { Parser, Place } from './schema.js';
import type { MapNode } from './source.js';
import type { EncryptionConfig, KmsKeyConfig, MasterKey } from './types.js';

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

const materialSection = section({
  fields: { inline: optional('key', inlineKey), file: optional('key-file', keyFromFile) },
  check: needsOneKey,
});
/** A key without a name: as it is, or { key } or { key-file }. */
const material: Parser<Buffer> = (place) => {
  if (place.node.kind !== 'map') return inlineKey(place);
  const raw = materialSection(place);
  return raw === null ? null : (raw.inline ?? raw.file ?? null);
};

function needsOneKey(value: KeySource, place: Place<MapNode>): void {
  const given = Number(value.inline !== undefined) + Number(value.file !== undefined);
  if (given !== 1) refuse(place, 'needs either key or key-file');
}

const kmsName = textLike(
  /^(?!(alias\/)?aws\/)(arn:aws[a-z-]*:kms:[^:\s]+:[^:\s]+:(key|alias)\/)?[A-Za-z0-9][A-Za-z0-9/._-]{0,255}$/,
  "a KMS key id such as 'payroll', 'alias/payroll' or 'arn:aws:kms:REGION:TENANT:key/payroll', not starting with aws/",
);

const kmsKeySection = section({
  fields: {
    inline: optional('key', inlineKey),
    file: optional('key-file', keyFromFile),
    enabled: defaulted('enabled', flag, true),
    aliases: defaulted('aliases', listOf(kmsName), []),
    previous: defaulted('previous-keys', listOf(material), []),
  },
  check: (value, place) => {
    needsOneKey(value, place);
    const digits = [value.inline ?? value.file, ...value.previous].map((key) => key?.toString('hex'));
    if (new Set(digits).size < digits.length) refuse(place, 'has the same key twice');
  },
});

/** The key as it is, or a map of it and what is said about it. */
const kmsKey: Parser<Omit<KmsKeyConfig, 'id'>> = (place) => {
  if (place.node.kind !== 'map') {
    const key = inlineKey(place);
    return key === null ? null : { enabled: true, aliases: [], versions: [key] };
  }
  const raw = kmsKeySection(place);
  const current = raw?.inline ?? raw?.file;
  if (raw === null || current === undefined) return null;
  return { enabled: raw.enabled, aliases: raw.aliases, versions: [current, ...raw.previous] };
};

/** What an ARN names; other names stay. */
function nameInArn(id: string): string {
  return id.replace(/^arn:.*:(key\/|(?=alias\/))/, '');
}

const kmsKeysRecord = record({ what: 'a map of KMS keys by id', name: kmsName, value: kmsKey });
const kmsKeys: Parser<readonly KmsKeyConfig[]> = (place) => {
  const raw = kmsKeysRecord(place);
  if (raw === null) return null;
  const keys = Object.entries(raw).map(([id, key]) => ({ id, ...key }));
  const names = keys.flatMap(({ id, aliases }) => [...new Set([id, nameInArn(id), ...aliases])]);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  return twice === undefined ? keys : refuse(place, `two keys have the name '${twice}'`);
};

const previousKeySection = section({
  fields: { id: optional('id', keyId), inline: optional('key', inlineKey), file: optional('key-file', keyFromFile) },
  check: needsOneKey,
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
    kmsKeys: defaulted('kms-keys', kmsKeys, []),
    kmsDefaultKey: optional('kms-default-key', kmsName),
    customerKeysRequireTls: defaulted('customer-keys-require-tls', flag, false),
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
    const { kmsDefaultKey, kmsKeys: kms } = value;
    const named = kms.find(({ id, aliases }) => kmsDefaultKey === id || aliases.includes(kmsDefaultKey ?? ''));
    if (kmsDefaultKey !== undefined && named === undefined) {
      const reason = `'${kmsDefaultKey}' is none of kms-keys`;
      issues.fault({ line, key: join(place.key, 'kms-default-key'), reason });
    }
  },
});

export const encryption: Parser<EncryptionConfig> = (place) => {
  const raw = encryptionSection(place);
  if (raw === null) return null;
  const { previousKeys, kmsKeys: kms, kmsDefaultKey = null, customerKeysRequireTls } = raw;
  return { masterKey: masterKeyOf(raw), previousKeys, kmsKeys: kms, kmsDefaultKey, customerKeysRequireTls };
};
