// Field tables of what faces the client: service, logging, options and keystore, with Pithos's own keys and defaults.
import { isIP } from 'node:net';
import { HISTORICAL_LOGGING, HISTORICAL_USE, refuseForeignUse } from './historical.js';
import { healthFields } from './monitoring-fields.js';
import {
  duration,
  flag,
  integer,
  oneOf,
  path,
  readableFile,
  refined,
  storageClassName,
  text,
  textLike,
} from './parsers.js';
import { defaulted, join, listOf, nested, optional, record, refuse, required, section } from './schema.js';
import type { Parser } from './schema.js';
import type { CorsRule, KeystoreConfig, KeystoreEntry, LoggingConfig, LogLevel, ServiceConfig } from './types.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Served as virtual hosts when a file names none: the documentation's host, the original's default, and this machine. */
export const DEFAULT_SERVICE_URIS: readonly string[] = ['s3.example.com', 's3.amazonaws.com', 'localhost'];

/** Browsers find names under localhost on this machine. */
const DEFAULT_WEBSITE_URIS: readonly string[] = ['s3-website.localhost'];

const tls = section({
  fields: {
    certFile: required('cert-file', readableFile),
    keyFile: required('key-file', readableFile),
    caFile: optional('ca-file', readableFile),
    minVersion: defaulted(
      'min-version',
      oneOf({ '1.2': 'TLSv1.2', '1.3': 'TLSv1.3', 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3' }),
      'TLSv1.2',
    ),
    reloadIntervalMs: defaulted('reload-interval', duration({ min: 100, max: DAY_MS, zero: true }), MINUTE_MS),
  },
});

const workers: Parser<ServiceConfig['workers']> = (place) => {
  const word = place.node.kind === 'text' ? place.node.text : '';
  if (word === 'auto') return 'auto';
  const count = /^\d{1,3}$/.test(word) ? Number(word) : 0;
  return count >= 1 && count <= 256 ? count : refuse(place, 'must be a whole number from 1 to 256, or auto');
};

const addressRange: Parser<string> = refined(text, (value, place) => {
  const [, address = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(value.trim()) ?? [];
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return most >= 0 && Number(bits ?? most) <= most
    ? value.trim()
    : refuse(place, 'must be an address or a range such as 10.0.0.0/8 or 2001:db8::/32');
});

export const service: Parser<ServiceConfig> = section({
  fields: {
    host: defaulted('host', text, '127.0.0.1'),
    port: defaulted('port', integer({ min: 0, max: 65_535 }), 8080),
    workers: defaulted('workers', workers, 'auto'),
    tls: optional('tls', tls),
    ...healthFields,
    trustedProxies: defaulted('trusted-proxies', listOf(addressRange), []),
    drainTimeoutMs: defaulted('drain-timeout', duration({ min: 100, max: 60 * MINUTE_MS }), 25_000),
    drainDelayMs: defaulted('drain-delay', duration({ min: 1, max: 10 * MINUTE_MS, zero: true }), 0),
  },
  historical: HISTORICAL_USE,
  inspect: refuseForeignUse,
});

const level: Parser<LogLevel> = oneOf({
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  fatal: 'fatal',
  warning: 'warn',
  all: 'trace',
  off: 'silent',
  silent: 'silent',
});

// Pithos took {path: ..., json: ...} too.
const logFileMap = section({
  fields: { path: required('path', path) },
  historical: { json: 'is not used: lines are JSON' },
});
const logFile: Parser<string> = (place) =>
  place.node.kind === 'map' ? (logFileMap(place)?.path ?? null) : path(place);

export const logging: Parser<LoggingConfig> = section({
  fields: {
    level: defaulted('level', level, 'info'),
    console: defaulted('console', flag, true),
    files: defaulted('files', listOf(logFile), []),
    overrides: nested('overrides', record({ what: 'a map of logger names to levels', name: text, value: level })),
  },
  historical: HISTORICAL_LOGGING,
  inspect: refuseForeignUse,
});

// Letters, digits, hyphens and dots; a port is dropped, because the Host header's is too.
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

const serviceHost: Parser<string> = refined(text, (value, place) => {
  const [, name, port] = /^(.*?)\.?(:\d+)?$/.exec(value.trim().toLowerCase()) ?? [];
  if (name === undefined || !HOST_NAME.test(name)) {
    return refuse(place, 'must be a host name such as s3.example.com, without a scheme or a path');
  }
  if (port !== undefined) {
    const reason = 'the port is not used: service.port says where to listen';
    place.reader.issues.warn({ line: place.node.line, key: place.key, reason });
  }
  return name;
});

const atLeastOne = <T>(list: Parser<readonly T[]>): Parser<readonly T[]> =>
  refined(list, (values, place) => (values.length > 0 ? values : refuse(place, 'must not be an empty list')));

const corsRuleSection = section({
  fields: {
    origins: required('origins', atLeastOne(listOf(text))),
    methods: required(
      'methods',
      atLeastOne(listOf(oneOf({ get: 'GET', put: 'PUT', post: 'POST', delete: 'DELETE', head: 'HEAD' }))),
    ),
    headers: defaulted('headers', listOf(text), []),
    exposed: defaulted('exposed', listOf(text), []),
    maxAgeSeconds: optional('max-age', integer({ min: 0, max: 2_147_483_647 })),
  },
});
const corsRule: Parser<CorsRule> = corsRuleSection;

/** Of the embedded store when the file names none: those that are read at once, which is how it keeps them all. */
const EMBEDDED_CLASSES: Readonly<Record<string, string | null>> = {
  STANDARD: null,
  REDUCED_REDUNDANCY: null,
  STANDARD_IA: null,
  ONEZONE_IA: null,
  INTELLIGENT_TIERING: null,
  GLACIER_IR: null,
};

const classFolders = record({ what: 'a map of storage classes to folders', name: storageClassName, value: path });
const embeddedClasses: Parser<Readonly<Record<string, string | null>>> = (place) => {
  const folders = classFolders(place);
  return folders === null ? null : { STANDARD: null, ...folders };
};

/** Options as the file gives them; load.ts adds what depends on other sections. */
export const options = section({
  fields: {
    serviceUri: defaulted('service-uri', atLeastOne(listOf(serviceHost)), DEFAULT_SERVICE_URIS),
    websiteUri: defaulted('website-uri', listOf(serviceHost), DEFAULT_WEBSITE_URIS),
    websiteCustomDomains: defaulted('website-custom-domains', flag, false),
    defaultRegion: optional('default-region', text),
    reporting: defaulted('reporting', flag, true),
    serverSideEncryption: defaulted('server-side-encryption', flag, true),
    multipartUpload: defaulted('multipart-upload', flag, true),
    masterkeyProvisioning: defaulted('masterkey-provisioning', flag, true),
    masterkeyAccess: defaulted('masterkey-access', flag, true),
    defaultCors: defaulted('default-cors', listOf(corsRule), []),
    dataDir: optional('data-dir', path),
    storageClasses: defaulted('storage-classes', embeddedClasses, EMBEDDED_CLASSES),
    // AWS refuses requests dated more than 15 minutes off: RequestTimeTooSkewed.
    maxSkewMs: defaulted('max-skew', duration({ min: 1_000, max: DAY_MS }), 15 * MINUTE_MS),
    bucketCacheTtlMs: defaulted('bucket-cache-ttl', duration({ min: 1, max: MINUTE_MS, zero: true }), 500),
    // Twice as many may come to lie in a partition of a listing while it is cut: below the 100,000 of docs/adr/0004.
    indexRangeRows: defaulted('index-range-rows', integer({ min: 1_000, max: 50_000 }), 25_000),
    reloadIntervalMs: defaulted('reload-interval', duration({ min: 100, max: DAY_MS, zero: true }), 0),
    storeWaitMs: defaulted('store-wait', duration({ min: 1_000, max: DAY_MS }), 5 * MINUTE_MS),
  },
  check: ({ serviceUri, websiteUri }, { key, node, reader }) => {
    const both = websiteUri.find((name) => serviceUri.includes(name));
    if (both === undefined) return;
    const given = node.entries.get('website-uri') ?? node.entries.get('service-uri');
    const reason = `${both} is a service-uri too: buckets need another name for their websites than for the API`;
    reader.issues.fault({ line: given?.line ?? node.line, key: join(key, 'website-uri'), reason });
  },
});

// A credential is cut at '/' (SigV4), ':' (SigV2) and ',' (header lists).
const accessKey = textLike(/^[^\s/:,]{1,128}$/, "1 to 128 characters without white space, '/', ':' or ','");

const keystoreEntry: Parser<KeystoreEntry> = section({
  fields: {
    master: defaulted('master', flag, false),
    tenant: required('tenant', text),
    secret: required('secret', text),
    memberof: defaulted('memberof', listOf(text), []),
    displayName: optional('display-name', text),
    email: optional('email', text),
  },
});

export const keystore: Parser<KeystoreConfig> = section({
  fields: {
    keys: required('keys', record({ what: 'a map of access keys', name: accessKey, value: keystoreEntry })),
  },
  historical: HISTORICAL_USE,
  inspect: refuseForeignUse,
  check: (value, { key, node, reader }) => {
    if (Object.keys(value.keys).length > 0) return;
    reader.issues.fault({ line: node.line, key: join(key, 'keys'), reason: 'must name at least one access key' });
  },
});
