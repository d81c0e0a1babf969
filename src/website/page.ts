/** The HTML pages of the website endpoint: its errors. https://docs.aws.amazon.com/AmazonS3/latest/userguide/CustomErrorDocSupport.html */
import type { S3Error } from '../s3/errors.js';
import { escapeXml } from '../s3/xml/build.js';
import type { S3Response } from '../s3/operation.js';

const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  412: 'Precondition Failed',
  416: 'Requested Range Not Satisfiable',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};

/** nested: why the site's own error page could not be shown. */
export function errorPage(
  error: S3Error,
  { requestId, nested = null }: { readonly requestId: string; readonly nested?: S3Error | null },
): S3Response {
  const title = `${error.status} ${STATUS_NAMES[error.status] ?? 'Error'}`;
  const items = (shown: S3Error): string =>
    [['Code', shown.code], ['Message', shown.message], ...Object.entries(shown.detail)]
      .map(([name, value]) => `<li>${escapeXml(name ?? '')}: ${escapeXml(value ?? '')}</li>\n`)
      .join('');
  const body =
    `<html>\n<head><title>${title}</title></head>\n<body>\n<h1>${title}</h1>\n<ul>\n${items(error)}` +
    `<li>RequestId: ${requestId}</li>\n<li>HostId: ${requestId}</li>\n</ul>\n` +
    (nested === null
      ? ''
      : `<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n${items(nested)}</ul>\n`) +
    '<hr/>\n</body>\n</html>\n';
  return {
    status: error.status,
    headers: {
      ...error.headers,
      'content-type': 'text/html; charset=utf-8',
      'x-amz-error-code': error.code,
      'x-amz-error-message': error.message,
    },
    body,
  };
}
