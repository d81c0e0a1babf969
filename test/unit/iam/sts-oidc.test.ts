// Keys of OpenID Connect providers: remembered, and asked for again when a token has another one. Against a real provider.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OidcDocument } from '../../../src/iam/iam-store.js';
import { OidcVerifier } from '../../../src/iam/sts-oidc.js';
import { CLIENT_ID, startOidc } from '../../wire/oidc.js';
import type { OidcServer } from '../../wire/oidc.js';

describe('OidcVerifier', () => {
  let server: OidcServer;
  beforeAll(async () => {
    server = await startOidc({});
  });
  afterAll(() => server.close());
  const provider = (changes: Partial<OidcDocument> = {}): OidcDocument => ({
    url: server.issuer,
    clientIds: [CLIENT_ID],
    thumbprints: [server.thumbprint],
    createdAtMs: 0,
    tags: {},
    ...changes,
  });
  const signal = new AbortController().signal;

  it('goes with a rotation of keys, and does not ask for them at every wrong token', async () => {
    let nowMs = Date.now();
    const verifier = new OidcVerifier({ now: () => nowMs });
    const old = await server.idToken('alice');
    expect(await verifier.verify(old, provider(), signal)).toMatchObject({ subject: 'alice', audience: CLIENT_ID });
    await server.rotate();
    const fresh = await server.idToken('alice');
    await expect(verifier.verify(fresh, provider(), signal)).rejects.toMatchObject({ code: 'InvalidIdentityToken' });
    nowMs += 11_000;
    expect(await verifier.verify(fresh, provider(), signal)).toMatchObject({ subject: 'alice' });
    nowMs += 11_000;
    await expect(verifier.verify(old, provider(), signal)).rejects.toMatchObject({ code: 'InvalidIdentityToken' });
  });

  it('refuses expired tokens, with a minute for clocks that differ', async () => {
    const token = await server.idToken('alice');
    const at = (offsetMs: number) => new OidcVerifier({ now: () => Date.now() + offsetMs });
    const minuteMs = 60_000;
    await at(10.5 * minuteMs).verify(token, provider(), signal);
    await expect(at(12 * minuteMs).verify(token, provider(), signal)).rejects.toMatchObject({
      code: 'ExpiredTokenException',
    });
  });

  it('refuses a provider that calls itself something else', async () => {
    const verifier = new OidcVerifier({ now: Date.now });
    const token = await server.idToken('alice');
    const other = provider({ url: server.issuer.replace('127.0.0.1', '127.0.0.1.') });
    await expect(verifier.verify(token, other, signal)).rejects.toMatchObject({ code: 'IDPCommunicationError' });
    await expect(verifier.verify(token, provider({ thumbprints: [] }), signal)).rejects.toMatchObject({
      code: 'IDPCommunicationError',
    });
    await expect(verifier.verify(token, provider({ clientIds: ['other'] }), signal)).rejects.toMatchObject({
      code: 'InvalidIdentityToken',
    });
  });
});
