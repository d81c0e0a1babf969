/** Answer of the POST form. */
import { element, xmlDocument } from './build.js';
import { etagElement } from './fragments.js';

export interface PostResponse {
  /** URL of the object */
  readonly location: string;
  readonly bucket: string;
  readonly key: string;
  /** without quotes */
  readonly etag: string;
}

/** success_action_status 201. https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html */
export function postResponse(result: PostResponse): string {
  return xmlDocument(
    'PostResponse',
    element('Location', result.location) +
      element('Bucket', result.bucket) +
      element('Key', result.key) +
      etagElement(result.etag),
    { xmlns: false },
  );
}
