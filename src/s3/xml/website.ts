/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html */
import { checkObjectKey, MAX_KEY_BYTES } from '../bucket-name.js';
import { invalidArgument, S3Error } from '../errors.js';
import type { RoutingRule, WebsiteConfiguration, WebsiteRedirect } from '../website.js';
import { element, optional, parent, xmlDocument } from './build.js';
import { parseXml } from './parse.js';
import type { XmlNode } from './parse.js';

const MAX_RULES = 50;
/** What a rule may answer with, as on S3. */
const REDIRECT_STATUSES: readonly number[] = [301, 302, 303, 304, 305, 307, 308];

/** @throws S3Error MalformedXML, InvalidArgument, InvalidRequest, KeyTooLongError */
export function parseWebsiteConfiguration(body: Buffer | string): WebsiteConfiguration {
  const root = parseXml(body, { root: 'WebsiteConfiguration' });
  root.allowOnly('IndexDocument', 'ErrorDocument', 'RedirectAllRequestsTo', 'RoutingRules');
  const all = root.child('RedirectAllRequestsTo');
  if (all !== undefined) {
    if (root.elements.length > 1)
      throw invalidArgument(
        'RedirectAllRequestsTo',
        'not null',
        'RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.',
      );
    all.allowOnly('HostName', 'Protocol');
    const hostName = all.requiredText('HostName');
    if (hostName === '') throw invalid('A host name must be provided to redirect all requests (e.g. "example.com").');
    const protocol = protocolOf(all);
    return { kind: 'redirect', hostName: checkedHost(hostName), ...(protocol === undefined ? {} : { protocol }) };
  }
  const index = root.child('IndexDocument');
  if (index === undefined)
    throw invalidArgument(
      'IndexDocument',
      'null',
      'A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty',
    );
  index.allowOnly('Suffix');
  const errorKey = errorKeyOf(root.child('ErrorDocument'));
  return {
    kind: 'pages',
    indexSuffix: suffixOf(index),
    ...(errorKey === undefined ? {} : { errorKey }),
    rules: rulesOf(root.child('RoutingRules')),
  };
}

function suffixOf(index: XmlNode): string {
  const suffix = index.requiredText('Suffix');
  if (suffix === '' || suffix.includes('/') || Buffer.byteLength(suffix) > MAX_KEY_BYTES)
    throw invalidArgument('IndexDocument', suffix, 'The IndexDocument Suffix is not well formed');
  return suffix;
}

function errorKeyOf(document: XmlNode | undefined): string | undefined {
  if (document === undefined) return undefined;
  document.allowOnly('Key');
  const key = document.requiredText('Key');
  if (key === '') throw invalidArgument('ErrorDocument', key, 'The ErrorDocument Key is not well formed');
  checkObjectKey(key);
  return key;
}

function rulesOf(list: XmlNode | undefined): RoutingRule[] {
  if (list === undefined) return [];
  list.allowOnly('RoutingRule');
  const rules = list.children('RoutingRule');
  if (rules.length === 0) throw list.fault('RoutingRules needs a RoutingRule');
  if (rules.length > MAX_RULES)
    throw invalid(
      `${rules.length} routing rules provided, the number of routing rules in a website configuration is limited to ${MAX_RULES}.`,
    );
  return rules.map(ruleOf);
}

function ruleOf(rule: XmlNode): RoutingRule {
  rule.allowOnly('Condition', 'Redirect');
  const condition = rule.child('Condition');
  condition?.allowOnly('KeyPrefixEquals', 'HttpErrorCodeReturnedEquals');
  const keyPrefix = condition?.text('KeyPrefixEquals');
  const errorStatus = condition?.integer('HttpErrorCodeReturnedEquals');
  if (condition !== undefined && keyPrefix === undefined && errorStatus === undefined)
    throw invalid(
      "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.",
    );
  if (errorStatus !== undefined && (errorStatus < 400 || errorStatus > 599))
    throw invalid(`The provided HTTP error code (${errorStatus}) is not valid. Valid codes are 4XX or 5XX.`);
  return {
    ...(keyPrefix === undefined ? {} : { keyPrefix }),
    ...(errorStatus === undefined ? {} : { errorStatus }),
    redirect: redirectOf(rule.requiredChild('Redirect')),
  };
}

function redirectOf(node: XmlNode): WebsiteRedirect {
  node.allowOnly('HostName', 'Protocol', 'HttpRedirectCode', 'ReplaceKeyWith', 'ReplaceKeyPrefixWith');
  if (node.elements.length === 0) throw node.fault('Redirect must not be empty');
  const hostName = node.text('HostName');
  const protocol = protocolOf(node);
  const status = node.integer('HttpRedirectCode');
  const replaceKeyWith = node.text('ReplaceKeyWith');
  const replaceKeyPrefixWith = node.text('ReplaceKeyPrefixWith');
  if (replaceKeyWith !== undefined && replaceKeyPrefixWith !== undefined)
    throw invalid('You can only define ReplaceKeyPrefix or ReplaceKey but not both.');
  if (status !== undefined && !REDIRECT_STATUSES.includes(status))
    throw invalid(`The provided HTTP redirect code (${status}) is not valid. Valid codes are 3XX except 300.`);
  return {
    ...(hostName === undefined ? {} : { hostName: checkedHost(hostName) }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(status === undefined ? {} : { status }),
    ...(replaceKeyWith === undefined ? {} : { replaceKeyWith }),
    ...(replaceKeyPrefixWith === undefined ? {} : { replaceKeyPrefixWith }),
  };
}

function protocolOf(node: XmlNode): 'http' | 'https' | undefined {
  const protocol = node.text('Protocol');
  if (protocol === undefined || protocol === 'http' || protocol === 'https') return protocol;
  throw invalid(
    'Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.',
  );
}

/** It goes into a Location header. As on S3 a port and the start of a path may follow the name. */
function checkedHost(name: string): string {
  if (!/^[A-Za-z0-9[][!#-;=?-[\]_a-z~]{0,1023}$/.test(name)) throw invalid('The HostName is not well formed.');
  return name;
}

function invalid(message: string): S3Error {
  return new S3Error('InvalidRequest', { message });
}

export function websiteConfiguration(configuration: WebsiteConfiguration): string {
  if (configuration.kind === 'redirect') {
    const { hostName, protocol } = configuration;
    const content = element('HostName', hostName) + optional('Protocol', protocol);
    return xmlDocument('WebsiteConfiguration', parent('RedirectAllRequestsTo', content));
  }
  const { indexSuffix, errorKey, rules } = configuration;
  return xmlDocument(
    'WebsiteConfiguration',
    parent('IndexDocument', element('Suffix', indexSuffix)) +
      (errorKey === undefined ? '' : parent('ErrorDocument', element('Key', errorKey))) +
      (rules.length === 0 ? '' : parent('RoutingRules', rules.map(routingRule).join(''))),
  );
}

function routingRule({ keyPrefix, errorStatus, redirect }: RoutingRule): string {
  const condition = optional('HttpErrorCodeReturnedEquals', errorStatus) + optional('KeyPrefixEquals', keyPrefix);
  const { protocol, hostName, replaceKeyPrefixWith, replaceKeyWith, status } = redirect;
  return parent(
    'RoutingRule',
    (condition === '' ? '' : parent('Condition', condition)) +
      parent(
        'Redirect',
        optional('Protocol', protocol) +
          optional('HostName', hostName) +
          optional('ReplaceKeyPrefixWith', replaceKeyPrefixWith) +
          optional('ReplaceKeyWith', replaceKeyWith) +
          optional('HttpRedirectCode', status),
      ),
  );
}
