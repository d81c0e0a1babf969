// The query APIs by hand: GET as well as POST, presigned URLs, and what a signature has to cover.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html
import { ListUsersCommand } from '@aws-sdk/client-iam';
import { expect, it } from 'vitest';
import { iamOf } from './iam-clients.js';
import { exchange, signedExchange } from './raw.js';
import { describeWire, KEYS } from './servers.js';
import { EMPTY_SHA256, presignV4, UNSIGNED } from './signing.js';

const { user: root } = KEYS;
const IDENTITY = { Action: 'GetCallerIdentity', Version: '2011-06-15' };
const FORM = 'application/x-www-form-urlencoded';

describeWire('the query APIs', (wire) => {
  const host = () => `${wire.server.host}:${wire.server.port}`;
  const presigned = (given: { readonly expiresSeconds?: null } = {}) =>
    presignV4({
      method: 'GET',
      path: '/',
      query: IDENTITY,
      host: host(),
      service: 'sts',
      payload: EMPTY_SHA256,
      credentials: root,
      ...given,
    });
  const get = (target: string) => exchange(wire.server, { method: 'GET', target, headers: { host: host() } });

  it('answer GET, and name the request in a header as well', async () => {
    const target = `/?${new URLSearchParams(IDENTITY).toString()}`;
    const answer = await signedExchange(wire.server, { method: 'GET', target, payload: EMPTY_SHA256 });
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'text/xml' } });
    expect(answer.body.toString()).toContain(`<Account>${root.tenant}</Account>`);
    const id = /<RequestId>(.+?)<\/RequestId>/.exec(answer.body.toString())?.[1];
    expect(answer.headers['x-amzn-requestid']).toBe(id);
    const { $metadata } = await iamOf(wire.server, root).send(new ListUsersCommand({}));
    expect($metadata.requestId).toMatch(/./);
  });

  it('take presigned URLs, by which a caller proves who it is to somebody else', async () => {
    const answer = await get(presigned());
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toContain(`<Arn>arn:aws:iam::${root.tenant}:root</Arn>`);
    expect((await get(presigned({ expiresSeconds: null }))).status).toBe(200);
    const halved = await get(presigned().replace(/&X-Amz-Date=[^&]+/, ''));
    expect(halved.status).toBe(400);
    expect(halved.body.toString()).toContain('<Code>IncompleteSignature</Code>');
    const changed = await get(presigned().replace('GetCallerIdentity', 'GetSessionToken'));
    expect(changed.status).toBe(403);
    expect(changed.body.toString()).toContain('<Code>SignatureDoesNotMatch</Code>');
    const unsigned = await get(`/?${new URLSearchParams(IDENTITY).toString()}`);
    expect(unsigned.body.toString()).toContain('<Code>MissingAuthenticationToken</Code>');
  });

  it.each([
    ['S3, which leaves bodies out', { service: 's3', payload: UNSIGNED }],
    ['STS without a body', { service: 'sts', payload: EMPTY_SHA256 }],
  ])('do not take a form along with a URL presigned for %s', async (_name, given) => {
    const target = presignV4({ method: 'POST', path: '/', query: {}, host: host(), credentials: root, ...given });
    const body = Buffer.from(new URLSearchParams({ Action: 'ListUsers', Version: '2010-05-08' }).toString());
    const headers = { host: host(), 'content-type': FORM };
    const answer = await exchange(wire.server, { method: 'POST', target, headers, body });
    expect(answer.status).toBe(403);
    expect(answer.body.toString()).toContain('<Code>SignatureDoesNotMatch</Code>');
  });
});
