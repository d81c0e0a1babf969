/** What a bucket without a configuration answers: documents that say so. */
import { element, xmlDocument } from './build.js';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAccelerateConfiguration.html; never configured */
export function accelerateConfiguration(): string {
  return xmlDocument('AccelerateConfiguration', '');
}

/** A complete listing without entries; the root element differs by kind. */
export function emptyConfigurationList(root: string): string {
  return xmlDocument(root, element('IsTruncated', false));
}
