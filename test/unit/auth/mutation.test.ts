/** Whatever byte of a signed request is changed, it is refused. */
import { describe, expect, it } from 'vitest';
import { S3Error } from '../../../src/s3/errors.js';
import type { SigningRequest } from '../../../src/auth/types.js';
import { authenticatorAt, EXAMPLE, recordedSigningRequest, recordings } from './support.js';

const recorded = recordings();

function recordedAs(client: string, method: string) {
  const found = recorded.requests.find((r) => r.client === client && r.method === method);
  if (found === undefined) throw new Error(`no recording of ${client} ${method}`);
  return found;
}

function* changed(text: string): Generator<string> {
  for (let i = 0; i < text.length; i++) {
    yield text.slice(0, i) + String.fromCharCode(text.charCodeAt(i) ^ 1) + text.slice(i + 1);
  }
}

/** Every request that differs from the given one in a single bit of what the signature covers. */
function* mutants(request: SigningRequest, names: Iterable<string>): Generator<SigningRequest> {
  for (const method of changed(request.method)) yield { ...request, method };
  for (const rawPath of changed(request.rawPath)) yield { ...request, rawPath };
  for (const rawQuery of changed(request.rawQuery)) yield { ...request, rawQuery };
  for (const name of [...names, 'authorization']) {
    for (const value of changed(request.headers[name] ?? '')) {
      yield { ...request, headers: { ...request.headers, [name]: value } };
    }
    const { [name]: _removed, ...headers } = request.headers;
    // Without the Authorization header it would rightly be anonymous.
    if (name !== 'authorization' && request.headers[name] !== undefined) yield { ...request, headers };
  }
}

describe.each([
  ['botocore s3v4 path put with space+plus~tilde.txt', 'PUT'],
  ['botocore s3v4 virtual list v2', 'GET'],
  ['botocore s3v4 virtual presigned', 'GET'],
  ['botocore s3 path presigned', 'GET'],
  ['boto2 path put with space+plus~tilde.txt', 'PUT'],
  ['s3cmd v2 setacl', 'PUT'],
  ['s3cmd v4 setacl', 'PUT'],
])('%s', (client, method) => {
  it('survives no change', async () => {
    const recording = recordedAs(client, method);
    const authenticator = authenticatorAt(recording.now);
    const request = recordedSigningRequest(recording);
    const original = await authenticator.authenticate(request);
    if (original.kind !== 'signed') throw new Error('recordings are signed');
    let refused = 0;
    for (const mutant of mutants(request, original.signedHeaders)) {
      const outcome = await authenticator.authenticate(mutant).catch((error: unknown) => error);
      if (outcome instanceof S3Error) {
        // Never a server error, and nothing of the secret.
        expect([400, 403, 411]).toContain(outcome.status);
        expect(JSON.stringify(outcome.detail)).not.toContain(EXAMPLE.secret);
        refused++;
      } else {
        expect({ mutant, outcome }).toBe('refused');
      }
    }
    expect(refused).toBeGreaterThan(100);
  });
});
