/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PublicAccessBlockConfiguration.html */
import type { PublicAccessBlock } from '../bucket-security.js';
import { element, xmlDocument } from './build.js';
import { parseXml } from './parse.js';

const ROOT = 'PublicAccessBlockConfiguration';

/** What is left out is off. @throws S3Error MalformedXML */
export function parsePublicAccessBlock(
  body: Buffer | string,
  limits: { readonly maxBytes?: number } = {},
): PublicAccessBlock {
  const root = parseXml(body, { root: ROOT, ...limits });
  root.allowOnly('BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets');
  return {
    blockPublicAcls: root.boolean('BlockPublicAcls') ?? false,
    ignorePublicAcls: root.boolean('IgnorePublicAcls') ?? false,
    blockPublicPolicy: root.boolean('BlockPublicPolicy') ?? false,
    restrictPublicBuckets: root.boolean('RestrictPublicBuckets') ?? false,
  };
}

export function publicAccessBlockConfiguration(block: PublicAccessBlock): string {
  return xmlDocument(
    ROOT,
    element('BlockPublicAcls', block.blockPublicAcls) +
      element('IgnorePublicAcls', block.ignorePublicAcls) +
      element('BlockPublicPolicy', block.blockPublicPolicy) +
      element('RestrictPublicBuckets', block.restrictPublicBuckets),
  );
}
