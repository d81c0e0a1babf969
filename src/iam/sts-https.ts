/**
 * GET of a JSON document over TLS, for OIDC discovery: bounded in time and size, no redirects. A server that no authority of the
 * system vouches for is trusted when its certificate, or the authority that it shows, has one of the provider's thumbprints.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html
 */
import { get } from 'node:https';
import { connect } from 'node:tls';
import type { DetailedPeerCertificate } from 'node:tls';

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 256 * 1024;
/** A server's chain is short; a loop in it must not be followed for ever. */
const MAX_CHAIN = 10;

export interface JsonRequest {
  /** https: */
  readonly url: string;
  /** SHA-1, hex */
  readonly thumbprints: readonly string[];
  readonly signal: AbortSignal;
}

/** @throws Error when there is no document: the network, TLS, status, size or JSON */
export async function getJson(request: JsonRequest): Promise<unknown> {
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const url = new URL(request.url);
  if (url.protocol !== 'https:') throw new Error(`${request.url} is not an https URL`);
  try {
    return await fetchJson(url, { signal });
  } catch (error) {
    if (!isUntrusted(error) || request.thumbprints.length === 0) throw error;
    const ca = await pinnedCertificate(url, request.thumbprints, signal);
    if (ca === null) throw error;
    // The certificate becomes the only authority: chain and name are verified against it as ever.
    return fetchJson(url, { signal, ca });
  }
}

function fetchJson(url: URL, options: { readonly signal: AbortSignal; readonly ca?: string }): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = get(url, { ...options, agent: false, headers: { accept: 'application/json' } }, (response) => {
      if (response.statusCode !== 200) {
        response.destroy();
        reject(new Error(`${url.href} answers with status ${String(response.statusCode)}`));
        return;
      }
      const pieces: Buffer[] = [];
      let sizeBytes = 0;
      response.on('data', (piece: Buffer) => {
        sizeBytes += piece.length;
        if (sizeBytes > MAX_BYTES) response.destroy(new Error(`${url.href} answers more than ${MAX_BYTES} bytes`));
        else pieces.push(piece);
      });
      response.on('error', reject);
      response.on('end', () => {
        try {
          resolve(JSON.parse(Buffer.concat(pieces).toString('utf8')));
        } catch (error) {
          reject(new Error(`${url.href} does not answer JSON`, { cause: error }));
        }
      });
    });
    request.on('error', reject);
  });
}

const UNTRUSTED: ReadonlySet<unknown> = new Set([
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

function isUntrusted(error: unknown): boolean {
  return error instanceof Error && 'code' in error && UNTRUSTED.has(error.code);
}

/** The certificate of the server's chain that has one of the thumbprints, as PEM; null: none has. Nothing is sent. */
function pinnedCertificate(url: URL, thumbprints: readonly string[], signal: AbortSignal): Promise<string | null> {
  const wanted = new Set(thumbprints.map((thumbprint) => thumbprint.toLowerCase()));
  return new Promise((resolve, reject) => {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const servername = /^[\d.]+$|:/.test(host) ? undefined : host;
    const socket = connect({
      host,
      port: url.port === '' ? 443 : Number(url.port),
      ...(servername === undefined ? {} : { servername }),
      // Only looks at what the server shows; the connection that is used verifies.
      rejectUnauthorized: false,
    });
    const abort = (): void => {
      socket.destroy(new Error(`${url.host} does not answer in time`));
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', abort));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      const found = chainOf(socket.getPeerCertificate(true)).find(({ fingerprint }) =>
        wanted.has(fingerprint.replaceAll(':', '').toLowerCase()),
      );
      socket.destroy();
      resolve(found === undefined ? null : pemOf(found.raw));
    });
  });
}

function chainOf(leaf: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const chain = [leaf];
  for (let issuer = issuerOf(leaf); issuer !== undefined && chain.length < MAX_CHAIN; issuer = issuerOf(issuer)) {
    if (chain.includes(issuer)) break; // a root is its own issuer
    chain.push(issuer);
  }
  return chain;
}

/** The type leaves out that Node has none where the server did not show it. */
function issuerOf(certificate: DetailedPeerCertificate): DetailedPeerCertificate | undefined {
  return certificate.issuerCertificate;
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
