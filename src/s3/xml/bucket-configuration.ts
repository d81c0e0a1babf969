/** Small configurations of a bucket: location, versioning, requester pays. */
import { S3Error } from '../errors.js';
import { element, escapeXml, optional, xmlDocument } from './build.js';
import { parseXml } from './parse.js';

type Limits = { readonly maxBytes?: number };

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html; null: us-east-1's empty element */
export function locationConstraint(region: string | null): string {
  return xmlDocument('LocationConstraint', region === null ? '' : escapeXml(region));
}

export interface VersioningConfiguration {
  readonly status?: 'Enabled' | 'Suspended';
  readonly mfaDelete?: 'Enabled' | 'Disabled';
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html; no status: never configured */
export function versioningConfiguration(configuration: VersioningConfiguration): string {
  return xmlDocument(
    'VersioningConfiguration',
    optional('Status', configuration.status) + optional('MfaDelete', configuration.mfaDelete),
  );
}

/** @throws S3Error MalformedXML; IllegalVersioningConfigurationException when there is no Status */
export function parseVersioningConfiguration(
  body: Buffer | string,
  limits: Limits = {},
): VersioningConfiguration & { readonly status: 'Enabled' | 'Suspended' } {
  const root = parseXml(body, { root: 'VersioningConfiguration', ...limits });
  root.allowOnly('Status', 'MfaDelete');
  const status = root.choice('Status', ['Enabled', 'Suspended']);
  const mfaDelete = root.choice('MfaDelete', ['Enabled', 'Disabled']);
  if (status === undefined)
    throw new S3Error('IllegalVersioningConfigurationException', {
      message: 'The Versioning element must be specified',
    });
  return { status, ...(mfaDelete === undefined ? {} : { mfaDelete }) };
}

export type Payer = 'BucketOwner' | 'Requester';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketRequestPayment.html */
export function requestPaymentConfiguration(payer: Payer): string {
  return xmlDocument('RequestPaymentConfiguration', element('Payer', payer));
}

/** @throws S3Error MalformedXML */
export function parseRequestPaymentConfiguration(body: Buffer | string, limits: Limits = {}): Payer {
  const root = parseXml(body, { root: 'RequestPaymentConfiguration', ...limits });
  root.allowOnly('Payer');
  const payer = root.choice<Payer>('Payer', ['BucketOwner', 'Requester']);
  if (payer === undefined) throw root.fault('RequestPaymentConfiguration needs a Payer');
  return payer;
}
