// A real OpenID Connect provider (oidc-provider) over TLS in this process, and a user agent that logs in to it.
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { generateKeyPair, exportJWK } from 'jose';
import { Provider } from 'oidc-provider';
import { runOk } from '../support/run.js';

export const CLIENT_ID = 'pithos-wire-tests';
const REDIRECT_URI = 'https://client.example.com/back';

export interface OidcServer {
  /** https://127.0.0.1:PORT */
  readonly issuer: string;
  /** SHA-1 of its self-signed certificate, hex */
  readonly thumbprint: string;
  /** Logs in as that user and answers the ID token. */
  idToken(user: string): Promise<string>;
  /** From now on tokens are signed with a new key; the old one is gone. */
  rotate(): Promise<void>;
  close(): Promise<void>;
}

/** claims: of every user, besides sub. */
export async function startOidc(options: { readonly claims?: Readonly<Record<string, unknown>> }): Promise<OidcServer> {
  const tls = await selfSigned();
  const server = https.createServer({ key: tls.key, cert: tls.cert });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  let handler = await providerOf(issuer, options);
  server.on('request', (request, response) => void handler(request, response));
  return {
    issuer,
    thumbprint: new X509Certificate(tls.cert).fingerprint.replaceAll(':', '').toLowerCase(),
    idToken: (user) => logIn({ issuer, ca: tls.cert, user }),
    rotate: async () => {
      handler = await providerOf(issuer, options);
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function selfSigned(): Promise<{ readonly key: string; readonly cert: string }> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-oidc-'));
  try {
    const [key, cert] = [path.join(dir, 'key.pem'), path.join(dir, 'cert.pem')];
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const args = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      cert,
      ...subject,
    ];
    await runOk('openssl', args);
    return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function providerOf(issuer: string, { claims = {} }: { readonly claims?: Readonly<Record<string, unknown>> }) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT_ID,
        redirect_uris: [REDIRECT_URI],
        response_types: ['id_token'],
        grant_types: ['implicit'],
        token_endpoint_auth_method: 'none',
      },
    ],
    responseTypes: ['id_token'],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256' }] as never },
    cookies: { keys: ['a key of the tests'] },
    claims: { openid: ['sub', ...Object.keys(claims)] },
    conformIdTokenClaims: false,
    ttl: { IdToken: 600, Interaction: 600, Session: 600, Grant: 600 },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...claims }) }),
    features: { devInteractions: { enabled: true } },
  });
  return provider.callback();
}

interface Page {
  readonly status: number;
  readonly location: string | null;
  readonly cookies: readonly string[];
}

/** The implicit flow as a browser goes through it: login, consent, back with the token. */
async function logIn({ issuer, ca, user }: { issuer: string; ca: string; user: string }): Promise<string> {
  const jar = new Map<string, string>();
  const visit = async (url: string, form?: Record<string, string>): Promise<string> => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const page = await request(url, { ca, cookie, ...(form !== undefined && { form }) });
    for (const set of page.cookies) {
      const [name = '', value = ''] = (set.split(';')[0] ?? '').split(/=(.*)/s);
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    return page.location === null ? url : new URL(page.location, issuer).href;
  };
  const query = new URLSearchParams({
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    response_type: 'id_token',
    scope: 'openid',
    nonce: 'a-nonce',
  });
  let url = await visit(`${issuer}/auth?${query.toString()}`);
  for (let step = 0; step < 10; step++) {
    if (url.startsWith(REDIRECT_URI)) {
      const token = new URLSearchParams(new URL(url).hash.slice(1)).get('id_token');
      if (token === null) throw new Error(`no token in ${url}`);
      return token;
    }
    const isForm = url.includes('/interaction/');
    const prompt = jar.has('_session') ? 'consent' : 'login';
    url = await visit(url, isForm ? { prompt, login: user, password: 'any' } : undefined);
  }
  throw new Error(`the login does not end: ${url}`);
}

function request(
  url: string,
  { ca, cookie, form }: { ca: string; cookie: string; form?: Record<string, string> },
): Promise<Page> {
  return new Promise((resolve, reject) => {
    const body = form === undefined ? '' : new URLSearchParams(form).toString();
    const headers = { cookie, ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }) };
    const sent = https.request(url, { method: form === undefined ? 'GET' : 'POST', ca, headers, agent: false });
    sent.once('error', reject);
    sent.once('response', (response) => {
      response.resume();
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          location: response.headers.location ?? null,
          cookies: response.headers['set-cookie'] ?? [],
        }),
      );
    });
    sent.end(body);
  });
}
