/**
 * LifecycleConfiguration. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
 * What concerns several elements of a rule, or several rules, is checked in src/s3/lifecycle-checks.ts.
 */
import { randomBytes } from 'node:crypto';
import { isoDate, parseIsoDate } from '../dates.js';
import { S3Error } from '../errors.js';
import type {
  Expiration,
  LifecycleRule,
  NoncurrentExpiration,
  NoncurrentTransition,
  RuleFilter,
  Transition,
} from '../lifecycle.js';
import type { Tag } from '../tagging.js';
import { checkTags } from '../tagging.js';
import { element, optional, parent, xmlDocument } from './build.js';
import type { XmlNode } from './parse.js';
import { parseXml } from './parse.js';

const MAX_RULES = 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** A rule without an ID gets one. @throws S3Error MalformedXML, InvalidArgument, InvalidRequest, InvalidTag */
export function parseLifecycleConfiguration(
  body: Buffer | string,
  limits: { readonly maxBytes?: number } = {},
): LifecycleRule[] {
  const root = parseXml(body, { root: 'LifecycleConfiguration', ...limits });
  root.allowOnly('Rule');
  const rules = root.children('Rule');
  if (rules.length === 0 || rules.length > MAX_RULES)
    throw root.fault(`LifecycleConfiguration needs 1 to ${MAX_RULES} rules`);
  return rules.map(parseRule);
}

function parseRule(rule: XmlNode): LifecycleRule {
  rule.allowOnly(
    'ID',
    'Prefix',
    'Filter',
    'Status',
    'Expiration',
    'NoncurrentVersionExpiration',
    'AbortIncompleteMultipartUpload',
    'Transition',
    'NoncurrentVersionTransition',
  );
  const status = rule.choice('Status', ['Enabled', 'Disabled']);
  if (status === undefined) throw rule.fault('Rule needs a Status');
  const id = rule.text('ID') ?? '';
  const expiration = rule.child('Expiration');
  const noncurrent = rule.child('NoncurrentVersionExpiration');
  const abort = rule.child('AbortIncompleteMultipartUpload');
  return {
    id: id === '' ? randomBytes(24).toString('base64url') : id,
    enabled: status === 'Enabled',
    filter: parseRuleFilter(rule),
    expiration: expiration === undefined ? null : parseExpiration(expiration),
    noncurrentExpiration: noncurrent === undefined ? null : parseNoncurrentExpiration(noncurrent),
    abortUploadDays: abort === undefined ? null : parseAbort(abort),
    transitions: rule.children('Transition').map(parseTransition),
    noncurrentTransitions: rule.children('NoncurrentVersionTransition').map(parseNoncurrentTransition),
  };
}

function parseRuleFilter(rule: XmlNode): RuleFilter {
  const prefix = rule.text('Prefix');
  const filter = rule.child('Filter');
  if (filter === undefined) {
    if (prefix === undefined) throw rule.fault('Rule needs a Filter');
    return { ...EMPTY, form: 'prefix', prefix };
  }
  if (prefix !== undefined) throw rule.fault('Prefix and Filter exclude each other');
  filter.allowOnly('Prefix', 'Tag', 'ObjectSizeGreaterThan', 'ObjectSizeLessThan', 'And');
  if (filter.elements.length > 1) throw filter.fault('a Filter with more than one element needs And');
  const and = filter.child('And');
  if (and === undefined) return predicates(filter, filter.elements.length === 0 ? 'empty' : 'one');
  and.allowOnly('Prefix', 'Tag', 'ObjectSizeGreaterThan', 'ObjectSizeLessThan');
  if (and.elements.length === 0) throw and.fault('And needs something to combine');
  return predicates(and, 'and');
}

const EMPTY: RuleFilter = { form: 'empty', prefix: null, tags: {}, largerThanBytes: null, smallerThanBytes: null };

function predicates(node: XmlNode, form: RuleFilter['form']): RuleFilter {
  const tags = node.children('Tag').map((tag): Tag => {
    tag.allowOnly('Key', 'Value');
    return { key: tag.requiredText('Key'), value: tag.requiredText('Value') };
  });
  if (new Set(tags.map(({ key }) => key)).size < tags.length)
    throw new S3Error('InvalidRequest', { message: 'Duplicate Tag Keys are not allowed.' });
  const largerThanBytes = sizeOf(node, 'ObjectSizeGreaterThan', 0);
  const smallerThanBytes = sizeOf(node, 'ObjectSizeLessThan', 1);
  if (largerThanBytes !== null && smallerThanBytes !== null && largerThanBytes >= smallerThanBytes)
    throw new S3Error('InvalidRequest', {
      message: "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.",
    });
  return {
    form,
    prefix: node.text('Prefix') ?? null,
    tags: checkTags(tags, 'object'),
    largerThanBytes,
    smallerThanBytes,
  };
}

function sizeOf(node: XmlNode, name: string, min: number): number | null {
  const value = node.signedInteger(name);
  if (value === undefined) return null;
  if (value < min)
    throw new S3Error('InvalidRequest', { message: `'${name}' should be greater than or equal to ${min}.` });
  return value;
}

/** Exactly one of Days, Date and ExpiredObjectDeleteMarker. */
function parseExpiration(node: XmlNode): Expiration {
  node.allowOnly('Days', 'Date', 'ExpiredObjectDeleteMarker');
  if (node.elements.length !== 1) throw node.fault('Expiration needs one of Days, Date and ExpiredObjectDeleteMarker');
  const remove = node.boolean('ExpiredObjectDeleteMarker');
  return remove === undefined ? parseWhen(node, 1) : { kind: 'deleteMarker', remove };
}

/** Days or Date of an action. */
function parseWhen(node: XmlNode, minDays: number): Exclude<Expiration, { kind: 'deleteMarker' }> {
  const days = daysOf(node, 'Days', minDays);
  const date = node.text('Date');
  if ((days === null) === (date === undefined)) throw node.fault(`${node.name} needs either Days or Date`);
  if (days !== null) return { kind: 'days', days };
  const dateMs = dateOf(node, (date ?? '').trim());
  if (dateMs % DAY_MS !== 0)
    throw new S3Error('InvalidArgument', {
      message: "'Date' must be at midnight GMT",
      detail: { ArgumentName: 'Date', ArgumentValue: date ?? '' },
    });
  return { kind: 'date', dateMs };
}

/** An ISO 8601 date, with or without a time. */
function dateOf(node: XmlNode, text: string): number {
  const ms = parseIsoDate(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
  if (ms === null) throw node.fault('Date must be an ISO 8601 date');
  return ms;
}

function daysOf(node: XmlNode, name: string, min: number): number | null {
  const days = node.signedInteger(name);
  if (days === undefined) return null;
  if (days < min || days > 2_147_483_647)
    throw new S3Error('InvalidArgument', {
      message: `'${name}' for ${node.name} action must be a ${min === 0 ? 'non-negative' : 'positive'} integer`,
      detail: { ArgumentName: name, ArgumentValue: String(days) },
    });
  return days;
}

function requiredDays(node: XmlNode, name: string, min: number): number {
  const days = daysOf(node, name, min);
  if (days === null) throw node.fault(`${node.name} needs ${name}`);
  return days;
}

function parseNoncurrentExpiration(node: XmlNode): NoncurrentExpiration {
  node.allowOnly('NoncurrentDays', 'NewerNoncurrentVersions');
  return { days: requiredDays(node, 'NoncurrentDays', 1), newer: newerOf(node) };
}

const MAX_NEWER = 100;

function newerOf(node: XmlNode): number | null {
  const newer = node.signedInteger('NewerNoncurrentVersions');
  if (newer === undefined) return null;
  if (newer < 1 || newer > MAX_NEWER)
    throw new S3Error('InvalidArgument', {
      message: `'NewerNoncurrentVersions' for ${node.name} action must be an integer from 1 to ${MAX_NEWER}`,
      detail: { ArgumentName: 'NewerNoncurrentVersions', ArgumentValue: String(newer) },
    });
  return newer;
}

function parseAbort(node: XmlNode): number {
  node.allowOnly('DaysAfterInitiation');
  return requiredDays(node, 'DaysAfterInitiation', 1);
}

function parseTransition(node: XmlNode): Transition {
  node.allowOnly('Days', 'Date', 'StorageClass');
  return { storageClass: node.requiredText('StorageClass'), ...parseWhen(node, 0) };
}

function parseNoncurrentTransition(node: XmlNode): NoncurrentTransition {
  node.allowOnly('NoncurrentDays', 'NewerNoncurrentVersions', 'StorageClass');
  return {
    storageClass: node.requiredText('StorageClass'),
    days: requiredDays(node, 'NoncurrentDays', 0),
    newer: newerOf(node),
  };
}

export function lifecycleConfiguration(rules: readonly LifecycleRule[]): string {
  return xmlDocument('LifecycleConfiguration', rules.map(rule).join(''));
}

function rule({ id, enabled, filter, ...actions }: LifecycleRule): string {
  const { expiration, noncurrentExpiration, abortUploadDays, transitions, noncurrentTransitions } = actions;
  return parent(
    'Rule',
    [
      element('ID', id),
      filterElement(filter),
      element('Status', enabled ? 'Enabled' : 'Disabled'),
      ...transitions.map((to) => parent('Transition', when(to) + element('StorageClass', to.storageClass))),
      expiration === null ? '' : parent('Expiration', when(expiration)),
      ...noncurrentTransitions.map((to) =>
        parent('NoncurrentVersionTransition', noncurrent(to) + element('StorageClass', to.storageClass)),
      ),
      noncurrentExpiration === null ? '' : parent('NoncurrentVersionExpiration', noncurrent(noncurrentExpiration)),
      abortUploadDays === null
        ? ''
        : parent('AbortIncompleteMultipartUpload', element('DaysAfterInitiation', abortUploadDays)),
    ].join(''),
  );
}

function filterElement({ form, prefix, tags, largerThanBytes, smallerThanBytes }: RuleFilter): string {
  if (form === 'prefix') return element('Prefix', prefix ?? '');
  const content =
    optional('Prefix', prefix) +
    Object.entries(tags)
      .map(([key, value]) => parent('Tag', element('Key', key) + element('Value', value)))
      .join('') +
    optional('ObjectSizeGreaterThan', largerThanBytes) +
    optional('ObjectSizeLessThan', smallerThanBytes);
  return parent('Filter', form === 'and' ? parent('And', content) : content);
}

function when(expiration: Expiration): string {
  switch (expiration.kind) {
    case 'days':
      return element('Days', expiration.days);
    case 'date':
      return element('Date', isoDate(expiration.dateMs));
    case 'deleteMarker':
      return element('ExpiredObjectDeleteMarker', expiration.remove);
  }
}

function noncurrent({ days, newer }: NoncurrentExpiration): string {
  return element('NoncurrentDays', days) + optional('NewerNoncurrentVersions', newer);
}
