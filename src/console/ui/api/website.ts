/** The website configuration of a bucket, as the console edits it. Texts are '' where the configuration has no such element. */
import { el, xmlDocument } from '../lib/xml.js';
import type { Xml } from '../lib/xml.js';
import type { Client } from './client.js';
import { put, remove, sub } from './settings.js';

export interface Website {
  readonly enabled: boolean;
  readonly indexDocument: string;
  readonly errorDocument: string;
  /** All visitors are sent there. */
  readonly redirectHost: string;
  readonly redirectProtocol: string;
  readonly rules: readonly RoutingRule[];
}

/** Sends visitors elsewhere. The first rule counts whose conditions hold; one without conditions always does. */
export interface RoutingRule {
  /** condition: the key begins so */
  readonly prefix: string;
  /** condition: the page cannot be shown with this status, such as 404 */
  readonly errorCode: string;
  /** '' keeps the visitor's */
  readonly protocol: string;
  /** '' keeps the visitor's */
  readonly host: string;
  /** what of the key becomes `replacement` */
  readonly replace: '' | 'prefix' | 'key';
  readonly replacement: string;
  /** status of the redirect; '' is 301 */
  readonly redirectCode: string;
}

export async function getWebsite(client: Client, bucket: string): Promise<Website> {
  const xml = await client.optionalXml({ bucket, query: sub('website') }, /^NoSuchWebsiteConfiguration$/);
  return {
    enabled: xml !== null,
    indexDocument: xml?.text('IndexDocument', 'Suffix') ?? '',
    errorDocument: xml?.text('ErrorDocument', 'Key') ?? '',
    redirectHost: xml?.text('RedirectAllRequestsTo', 'HostName') ?? '',
    redirectProtocol: xml?.text('RedirectAllRequestsTo', 'Protocol') ?? '',
    rules: (xml?.at('RoutingRules').all('RoutingRule') ?? []).map(readRule),
  };
}

export async function putWebsite(client: Client, bucket: string, site: Website): Promise<void> {
  if (!site.enabled) return remove(client, bucket, 'website');
  const content =
    site.redirectHost === ''
      ? [
          el('IndexDocument', el('Suffix', site.indexDocument)),
          el('ErrorDocument', given('Key', site.errorDocument)),
          el('RoutingRules', site.rules.length === 0 ? null : site.rules.map(writeRule)),
        ]
      : el('RedirectAllRequestsTo', [el('HostName', site.redirectHost), given('Protocol', site.redirectProtocol)]);
  return put(client, bucket, 'website', xmlDocument('WebsiteConfiguration', content));
}

function readRule(rule: Xml): RoutingRule {
  const whole = rule.optional('Redirect', 'ReplaceKeyWith');
  const start = rule.optional('Redirect', 'ReplaceKeyPrefixWith');
  return {
    prefix: rule.text('Condition', 'KeyPrefixEquals'),
    errorCode: rule.text('Condition', 'HttpErrorCodeReturnedEquals'),
    protocol: rule.text('Redirect', 'Protocol'),
    host: rule.text('Redirect', 'HostName'),
    replace: whole !== null ? 'key' : start !== null ? 'prefix' : '',
    replacement: whole ?? start ?? '',
    redirectCode: rule.text('Redirect', 'HttpRedirectCode'),
  };
}

function writeRule(rule: RoutingRule) {
  const { prefix, errorCode, replace, replacement } = rule;
  const condition = [given('KeyPrefixEquals', prefix), given('HttpErrorCodeReturnedEquals', errorCode)];
  return el('RoutingRule', [
    el('Condition', prefix === '' && errorCode === '' ? null : condition),
    el('Redirect', [
      given('Protocol', rule.protocol),
      given('HostName', rule.host),
      // A prefix may be taken away: then what replaces it is empty.
      el('ReplaceKeyPrefixWith', replace === 'prefix' ? replacement : null),
      el('ReplaceKeyWith', replace === 'key' ? replacement : null),
      given('HttpRedirectCode', rule.redirectCode),
    ]),
  ]);
}

function given(name: string, text: string) {
  return text === '' ? null : el(name, text);
}
