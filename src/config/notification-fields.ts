// Field table of notifications: the targets that buckets' event notifications may name, and how they are delivered.
import { duration, flag, integer, oneOf, readableFile, refined, text, textLike } from './parsers.js';
import { defaulted, join, listOf, nested, optional, record, refuse, required, section } from './schema.js';
import type { Parser, Place } from './schema.js';
import type { MapNode } from './source.js';
import type { NatsTargetConfig, NotificationsConfig, NotificationTargetConfig, WebhookTargetConfig } from './types.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const delivery = {
  timeoutMs: defaulted('timeout', duration({ min: 100, max: 5 * MINUTE_MS }), 10 * SECOND_MS),
  concurrency: defaulted('concurrency', integer({ min: 1, max: 256 }), 8),
  tenants: optional('tenants', listOf(text)),
} as const;

function urlOf(protocols: readonly string[], example: string): Parser<string> {
  return refined(text, (value, place) => {
    const trimmed = value.trim();
    const url = URL.canParse(trimmed) ? new URL(trimmed) : null;
    if (url === null || !protocols.includes(url.protocol) || url.hostname === '')
      return refuse(place, `must be a URL such as ${example}`);
    if (url.username !== '' || url.password !== '')
      return refuse(place, 'must not hold a user or a password: there are settings of their own for them');
    return trimmed;
  });
}

/** http or https; example: for who gives something else */
export function httpUrl(example: string): Parser<string> {
  return urlOf(['http:', 'https:'], example);
}

const headerValue = textLike(/^[\x20-\x7e\t]+$/, 'a header value of printable ASCII');

const webhookSection = section({
  fields: {
    type: required('type', oneOf({ webhook: 'webhook' })),
    url: required('url', httpUrl('https://events.example.com/s3')),
    authorization: optional('authorization', headerValue),
    bearerToken: optional('bearer-token', headerValue),
    signingSecret: optional('signing-secret', text),
    caFile: optional('ca-file', readableFile),
    ...delivery,
  },
  check: ({ authorization, bearerToken }, place) => {
    if (authorization === undefined || bearerToken === undefined) return;
    fault(place, 'bearer-token', 'means the same as authorization: keep one');
  },
});

const webhook: Parser<WebhookTargetConfig> = (place) => {
  const raw = webhookSection(place);
  if (raw === null) return null;
  const { bearerToken, ...rest } = raw;
  return bearerToken === undefined ? rest : { ...rest, authorization: `Bearer ${bearerToken}` };
};

const server = refined(text, (value, place) => {
  const trimmed = value.trim();
  const hostPort = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
  const url = urlOf(['nats:', 'tls:'], 'nats://nats.example.com:4222');
  return hostPort.test(trimmed) ? trimmed : url(place);
});

const natsTlsSection = section({
  fields: {
    caFile: optional('ca-file', readableFile),
    certFile: optional('cert-file', readableFile),
    keyFile: optional('key-file', readableFile),
    verify: defaulted('verify', flag, true),
  },
  check: ({ certFile, keyFile }, place) => {
    if ((certFile === undefined) !== (keyFile === undefined))
      fault(place, certFile === undefined ? 'cert-file' : 'key-file', 'is needed: cert-file and key-file go together');
  },
});
/** `true`, or a map. */
const natsTls: Parser<NonNullable<NatsTargetConfig['tls']> | 'off'> = (place) => {
  if (place.node.kind === 'map') return natsTlsSection(place);
  const on = flag(place);
  return on === null ? null : on ? { verify: true } : 'off';
};

const natsSection = section({
  fields: {
    type: required('type', oneOf({ nats: 'nats' })),
    servers: required('servers', listOf(server)),
    subject: required(
      'subject',
      textLike(/^[^\s.*>]+(\.[^\s.*>]+)*$/, "a NATS subject such as 's3.events', without wildcards"),
    ),
    stream: optional('stream', textLike(/^[^\s.*>/\\]{1,255}$/, 'the name of a JetStream stream')),
    username: optional('username', text),
    password: optional('password', text),
    token: optional('token', text),
    credentialsFile: optional('credentials-file', readableFile),
    tls: optional('tls', natsTls),
    ...delivery,
  },
  check: ({ servers, username, password, token, credentialsFile }, place) => {
    if (servers.length === 0) fault(place, 'servers', 'must name at least one server');
    if ((username === undefined) !== (password === undefined))
      fault(place, username === undefined ? 'username' : 'password', 'is needed: username and password go together');
    const ways = [username, token, credentialsFile].filter((way) => way !== undefined).length;
    if (ways > 1) refuse(place, 'has more than one of username, token and credentials-file: keep one');
  },
});

const nats: Parser<NatsTargetConfig> = (place) => {
  const raw = natsSection(place);
  if (raw === null) return null;
  const { tls, ...rest } = raw;
  return tls === undefined || tls === 'off' ? rest : { ...rest, tls };
};

const PARSERS = { webhook, nats } as const;

const target: Parser<NotificationTargetConfig> = (place) => {
  const { node, key, reader } = place;
  if (node.kind !== 'map') return refuse(place, 'must be a map of settings');
  const type = node.entries.get('type');
  if (type === undefined || type.value.kind === 'nothing') {
    reader.issues.fault({ line: node.line, key: join(key, 'type'), reason: 'is needed and not given' });
    return null;
  }
  if (type.value.kind === 'invalid') return null;
  const kind = oneOf({ webhook: 'webhook', nats: 'nats' })({ node: type.value, key: join(key, 'type'), reader });
  return kind === null ? null : PARSERS[kind](place);
};

function fault({ key, node, reader }: Place<MapNode>, name: string, reason: string): void {
  reader.issues.fault({ line: node.line, key: join(key, name), reason });
}

/** What an ARN can end with. */
const targetName = textLike(/^[A-Za-z0-9._-]{1,80}$/, '1 to 80 letters, digits, dots, hyphens and underscores');

export const notifications: Parser<NotificationsConfig> = section({
  fields: {
    targets: nested('targets', record({ what: 'a map of targets by name', name: targetName, value: target })),
    pollIntervalMs: defaulted('poll-interval', duration({ min: 50, max: 5 * SECOND_MS }), SECOND_MS),
    maxAgeMs: defaulted('max-age', duration({ min: SECOND_MS, max: 30 * DAY_MS }), DAY_MS),
    maxRetryIntervalMs: defaulted('max-retry-interval', duration({ min: 100, max: HOUR_MS }), MINUTE_MS),
  },
});
