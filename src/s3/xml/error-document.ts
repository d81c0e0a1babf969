/** The error document. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#RESTErrorResponses */
import { element, optional, xmlDocument } from './build.js';

export interface ErrorDocument {
  readonly code: string;
  readonly message: string;
  /** further elements, e.g. { BucketName: 'b' }; names must be XML names */
  readonly detail: Readonly<Record<string, string>>;
  /** path of the request, when there is one to tell */
  readonly resource?: string;
  readonly requestId: string;
  readonly hostId: string;
}

export function errorDocument(error: ErrorDocument): string {
  const detail = Object.entries(error.detail).map(([name, value]) => element(name, value));
  return xmlDocument(
    'Error',
    element('Code', error.code) +
      element('Message', error.message) +
      detail.join('') +
      optional('Resource', error.resource) +
      element('RequestId', error.requestId) +
      element('HostId', error.hostId),
    { xmlns: false },
  );
}
