/** Answers of the query APIs as XML. */
import { element, optional, parent } from '../s3/xml/build.js';
import type { IamError } from './iam-errors.js';

export type QueryService = 'iam' | 'sts';

export const NAMESPACES: Readonly<Record<QueryService, string>> = {
  iam: 'https://iam.amazonaws.com/doc/2010-05-08/',
  sts: 'https://sts.amazonaws.com/doc/2011-06-15/',
};

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

export interface Answer {
  readonly service: QueryService;
  readonly action: string;
  /** content of the result element, XML already; null: the action has no result */
  readonly result: string | null;
  readonly requestId: string;
}

export function answerDocument({ service, action, result, requestId }: Answer): string {
  const content = result === null ? '' : parent(`${action}Result`, result);
  const metadata = parent('ResponseMetadata', element('RequestId', requestId));
  return `${DECLARATION}<${action}Response xmlns="${NAMESPACES[service]}">${content}${metadata}</${action}Response>`;
}

export function iamErrorDocument(error: IamError, service: QueryService, requestId: string): string {
  const detail =
    element('Type', error.status >= 500 ? 'Receiver' : 'Sender') +
    element('Code', error.code) +
    element('Message', error.message);
  const content = parent('Error', detail) + element('RequestId', requestId);
  return `${DECLARATION}<ErrorResponse xmlns="${NAMESPACES[service]}">${content}</ErrorResponse>`;
}

/** <NAME><member>...</member>...</NAME>; members are XML already. */
export function members(name: string, list: readonly string[]): string {
  return parent(name, list.map((content) => parent('member', content)).join(''));
}

/** The same of plain texts. */
export function textMembers(name: string, list: readonly string[]): string {
  return parent(name, list.map((text) => element('member', text)).join(''));
}

export function tagMembers(tags: Readonly<Record<string, string>>): string {
  return members(
    'Tags',
    Object.entries(tags).map(([key, value]) => element('Key', key) + element('Value', value)),
  );
}

/** '2026-01-02T03:04:05Z': seconds, as IAM gives them. */
export function isoDate(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}

/** Policy documents are percent-encoded (RFC 3986) in answers. */
export function encodedDocument(name: string, text: string): string {
  const encoded = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return element(name, encoded);
}

/** IsTruncated and Marker. */
export function pageEnd(marker: string | null): string {
  return element('IsTruncated', marker !== null) + optional('Marker', marker);
}
