/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PolicyStatus.html */
import { element, xmlDocument } from './build.js';

export function policyStatus(isPublic: boolean): string {
  return xmlDocument('PolicyStatus', element('IsPublic', isPublic));
}
