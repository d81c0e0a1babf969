/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_OwnershipControls.html */
import type { ObjectOwnership } from '../bucket-security.js';
import { OBJECT_OWNERSHIPS } from '../bucket-security.js';
import { element, parent, xmlDocument } from './build.js';
import { parseXml } from './parse.js';

/** The document has a list of rules, and S3 takes exactly one. @throws S3Error MalformedXML */
export function parseOwnershipControls(
  body: Buffer | string,
  limits: { readonly maxBytes?: number } = {},
): ObjectOwnership {
  const root = parseXml(body, { root: 'OwnershipControls', ...limits });
  root.allowOnly('Rule');
  const rule = root.requiredChild('Rule');
  rule.allowOnly('ObjectOwnership');
  const ownership = rule.choice('ObjectOwnership', OBJECT_OWNERSHIPS);
  if (ownership === undefined) throw rule.fault('Rule needs an ObjectOwnership');
  return ownership;
}

export function ownershipControls(ownership: ObjectOwnership): string {
  return xmlDocument('OwnershipControls', parent('Rule', element('ObjectOwnership', ownership)));
}
