/**
 * The signature of a browser's POST upload: it covers the policy field, which in turn says what the form may hold.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-UsingHTTPPOST.html and, for SigV2,
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/HTTPPOSTForms.html
 */
import { S3Error } from '../s3/errors.js';
import { parseIsoBasic } from './dates.js';
import * as failures from './failures.js';
import { findCredential, type ResolvedOptions } from './options.js';
import { parsePostPolicy } from './post-policy.js';
import { signaturesEqual, type SigningKeyCache, signV2, signV4 } from './signatures.js';
import { ALGORITHM, checkScope, parseScope, type ScopeFault } from './sigv4-request.js';
import type { Credential, ParsedPostPolicy, PostFormResult } from './types.js';

type Fields = ReadonlyMap<string, string>;

const V2_FIELDS = ['awsaccesskeyid', 'signature'];
const V4_FIELDS = ['x-amz-algorithm', 'x-amz-credential', 'x-amz-signature'];

// As AWS writes the names in its messages.
const FIELD_NAMES: Readonly<Record<string, string>> = {
  awsaccesskeyid: 'AWSAccessKeyId',
  'x-amz-algorithm': 'X-Amz-Algorithm',
  'x-amz-credential': 'X-Amz-Credential',
  'x-amz-date': 'X-Amz-Date',
  'x-amz-signature': 'X-Amz-Signature',
};

export class PostFormAuthenticator {
  readonly #options: ResolvedOptions;
  readonly #keys: SigningKeyCache;

  constructor(options: ResolvedOptions, keys: SigningKeyCache) {
    this.#options = options;
    this.#keys = keys;
  }

  async authenticate(fields: Fields): Promise<PostFormResult> {
    const v2 = V2_FIELDS.some((name) => fields.has(name));
    const v4 = V4_FIELDS.some((name) => fields.has(name));
    if (v2 && v4) throw failures.oneMechanismOnly('');
    if (!v2 && !v4) {
      // A policy restricts only whoever signed it: one that nobody signed is a form with its signature lost.
      if (fields.has('policy')) required(fields, 'awsaccesskeyid');
      return { credential: null, version: null, policy: null };
    }
    const policyBase64 = required(fields, 'policy');
    // Checked before the signature: signing sees only the low byte of a char, and base64 decoders skip what they do not know.
    if (!/^[A-Za-z0-9+/=\s]+$/.test(policyBase64)) {
      throw new S3Error('InvalidPolicyDocument', { message: 'Invalid Policy: Invalid Base64 Encoding.' });
    }
    const credential = v4 ? await this.#verifyV4(fields, policyBase64) : await this.#verifyV2(fields, policyBase64);
    return { credential, version: v4 ? 'v4' : 'v2', policy: this.#livePolicy(policyBase64) };
  }

  async #verifyV2(fields: Fields, policyBase64: string): Promise<Credential> {
    const accessKey = required(fields, 'awsaccesskeyid');
    const signature = required(fields, 'signature');
    const credential = await this.#credential(fields, accessKey);
    if (!signaturesEqual(signV2(credential.secret, policyBase64), signature)) {
      throw failures.signatureDoesNotMatch({ accessKey, provided: signature, stringToSign: policyBase64 });
    }
    return credential;
  }

  async #verifyV4(fields: Fields, policyBase64: string): Promise<Credential> {
    const algorithm = required(fields, 'x-amz-algorithm');
    const credentialField = required(fields, 'x-amz-credential');
    const isoDate = required(fields, 'x-amz-date');
    const signature = required(fields, 'x-amz-signature');
    if (algorithm !== ALGORITHM) {
      throw failures.invalidArgument('X-Amz-Algorithm', algorithm, `X-Amz-Algorithm only supports "${ALGORITHM}"`);
    }
    if (parseIsoBasic(isoDate) === null) {
      throw failures.invalidArgument(
        'X-Amz-Date',
        isoDate,
        "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
      );
    }
    const fault: ScopeFault = (reason) =>
      failures.invalidArgument(
        'X-Amz-Credential',
        credentialField,
        `The X-Amz-Credential field is malformed; ${reason}`,
      );
    const scope = parseScope(credentialField, fault);
    checkScope(scope, { isoDate, policy: this.#options, fault });
    const credential = await this.#credential(fields, scope.accessKey);
    const signingKey = this.#keys.get(credential, scope);
    if (!signaturesEqual(signV4(signingKey, policyBase64), signature)) {
      throw failures.signatureDoesNotMatch({
        accessKey: scope.accessKey,
        provided: signature,
        stringToSign: policyBase64,
      });
    }
    this.#keys.keep(credential, scope, signingKey);
    return credential;
  }

  #credential(fields: Fields, accessKey: string): Promise<Credential> {
    return findCredential(this.#options.lookup, accessKey, fields.get('x-amz-security-token'));
  }

  #livePolicy(policyBase64: string): ParsedPostPolicy {
    const policy = parsePostPolicy(policyBase64);
    if (this.#options.now() >= policy.expirationMs) {
      throw failures.accessDenied('Invalid according to Policy: Policy expired.');
    }
    return policy;
  }
}

function required(fields: Fields, name: string): string {
  const value = fields.get(name);
  if (value) return value;
  const shown = FIELD_NAMES[name] ?? name;
  throw failures.invalidArgument(
    shown,
    '',
    `Bucket POST must contain a field named '${shown}'.  If it is specified, please check the order of the fields.`,
  );
}
