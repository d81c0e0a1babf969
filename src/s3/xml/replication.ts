/**
 * ReplicationConfiguration, both schemas: rules with a Prefix, and rules with a Filter.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationConfiguration.html
 */
import { randomUUID } from 'node:crypto';
import { S3Error, invalidArgument } from '../errors.js';
import type { ReplicationConfiguration, ReplicationDestination, ReplicationRule } from '../replication.js';
import { parseDestination } from '../replication.js';
import type { Tag } from '../tagging.js';
import { checkTags } from '../tagging.js';
import { element, optional, parent, xmlDocument } from './build.js';
import type { XmlNode } from './parse.js';
import { parseXml } from './parse.js';

const MAX_RULES = 1000;
const MAX_ID_CHARS = 255;
const MAX_PRIORITY = 2_147_483_647;

/** A rule without an ID gets one. @throws S3Error MalformedXML, InvalidRequest, InvalidArgument */
export function parseReplicationConfiguration(
  body: Buffer | string,
  limits: { readonly maxBytes?: number } = {},
): ReplicationConfiguration {
  const root = parseXml(body, { root: 'ReplicationConfiguration', ...limits });
  root.allowOnly('Role', 'Rule');
  const role = root.requiredText('Role').trim();
  const rules = root.children('Rule');
  if (rules.length === 0) throw root.fault('ReplicationConfiguration needs a Rule');
  if (rules.length > MAX_RULES)
    throw new S3Error('InvalidRequest', {
      message: `The number of replication rules must not exceed the allowed limit of ${MAX_RULES} rules.`,
    });
  return { role, rules: rules.map(parseRule) };
}

function parseRule(rule: XmlNode): ReplicationRule {
  rule.allowOnly(
    'ID',
    'Priority',
    'Prefix',
    'Filter',
    'Status',
    'SourceSelectionCriteria',
    'ExistingObjectReplication',
    'Destination',
    'DeleteMarkerReplication',
  );
  const id = rule.text('ID') ?? '';
  if (id.length > MAX_ID_CHARS)
    throw invalidArgument('ID', id, `ID length should not exceed allowed limit of ${MAX_ID_CHARS}`);
  const enabled = switchOf(rule);
  if (enabled === null) throw rule.fault('Rule needs a Status');
  const priority = rule.integer('Priority') ?? null;
  if (priority !== null && priority > MAX_PRIORITY)
    throw invalidArgument('Priority', String(priority), `Priority must be at most ${MAX_PRIORITY}`);
  const criteria = rule.child('SourceSelectionCriteria');
  criteria?.allowOnly('ReplicaModifications', 'SseKmsEncryptedObjects');
  return {
    id: id === '' ? randomUUID() : id,
    enabled,
    filter: parseFilter(rule),
    priority,
    deleteMarkers: childSwitch(rule, 'DeleteMarkerReplication'),
    existingObjects: childSwitch(rule, 'ExistingObjectReplication'),
    replicaModifications: childSwitch(criteria, 'ReplicaModifications'),
    kmsObjects: childSwitch(criteria, 'SseKmsEncryptedObjects'),
    destination: parseDestinationElement(rule.requiredChild('Destination')),
  };
}

/** The Status of an element; null: it has none. */
function switchOf(node: XmlNode): boolean | null {
  const status = node.choice('Status', ['Enabled', 'Disabled']);
  return status === undefined ? null : status === 'Enabled';
}

/** Of a child that is a Status alone; null: there is none. */
function childSwitch(node: XmlNode | undefined, name: string): boolean | null {
  const child = node?.child(name);
  if (child === undefined) return null;
  child.allowOnly('Status');
  const enabled = switchOf(child);
  // AWS takes an empty DeleteMarkerReplication for one that is off.
  return enabled ?? false;
}

function parseFilter(rule: XmlNode): ReplicationRule['filter'] {
  const prefix = rule.text('Prefix');
  const filter = rule.child('Filter');
  if (filter === undefined) {
    if (prefix === undefined) throw rule.fault('Rule needs a Filter or a Prefix');
    return { form: 'prefix', prefix, tags: {} };
  }
  if (prefix !== undefined) throw rule.fault('Prefix and Filter exclude each other');
  filter.allowOnly('Prefix', 'Tag', 'And');
  if (filter.elements.length > 1) throw filter.fault('a Filter with more than one element needs And');
  const and = filter.child('And');
  if (and === undefined) return predicates(filter, filter.elements.length === 0 ? 'empty' : 'one');
  and.allowOnly('Prefix', 'Tag');
  if (and.elements.length === 0) throw and.fault('And needs something to combine');
  return predicates(and, 'and');
}

function predicates(node: XmlNode, form: ReplicationRule['filter']['form']): ReplicationRule['filter'] {
  const tags = node.children('Tag').map((tag): Tag => {
    tag.allowOnly('Key', 'Value');
    return { key: tag.requiredText('Key'), value: tag.requiredText('Value') };
  });
  if (new Set(tags.map(({ key }) => key)).size < tags.length)
    throw new S3Error('InvalidRequest', { message: 'Duplicate Tag Keys are not allowed.' });
  return { form, prefix: node.text('Prefix') ?? null, tags: checkTags(tags, 'object') };
}

function parseDestinationElement(node: XmlNode): ReplicationDestination {
  node.allowOnly(
    'Bucket',
    'Account',
    'StorageClass',
    'AccessControlTranslation',
    'EncryptionConfiguration',
    'Metrics',
    'ReplicationTime',
  );
  const arn = node.requiredText('Bucket').trim();
  if (parseDestination(arn) === null) throw invalidArgument('Bucket', arn, 'Invalid bucket ARN.');
  const translation = node.child('AccessControlTranslation');
  translation?.allowOnly('Owner');
  if (translation !== undefined && translation.choice('Owner', ['Destination']) === undefined)
    throw translation.fault('AccessControlTranslation needs an Owner');
  const account = node.text('Account')?.trim() ?? '';
  if (translation !== undefined && account === '')
    throw invalidArgument('Account', '', 'Account must be specified when AccessControlTranslation is.');
  const encryption = node.child('EncryptionConfiguration');
  encryption?.allowOnly('ReplicaKmsKeyID');
  return {
    arn,
    account: account === '' ? null : account,
    storageClass: node.text('StorageClass')?.trim() ?? null,
    ownerOverride: translation !== undefined,
    kmsKeyId: encryption?.text('ReplicaKmsKeyID')?.trim() ?? null,
    metrics: parseMetrics(node.child('Metrics')),
    replicationTime: parseTime(node.child('ReplicationTime')),
  };
}

function parseMetrics(node: XmlNode | undefined): ReplicationDestination['metrics'] {
  if (node === undefined) return null;
  node.allowOnly('Status', 'EventThreshold');
  const enabled = switchOf(node);
  if (enabled === null) throw node.fault('Metrics needs a Status');
  const threshold = node.child('EventThreshold');
  return { enabled, minutes: threshold === undefined ? null : minutesOf(threshold) };
}

function parseTime(node: XmlNode | undefined): ReplicationDestination['replicationTime'] {
  if (node === undefined) return null;
  node.allowOnly('Status', 'Time');
  const enabled = switchOf(node);
  if (enabled === null) throw node.fault('ReplicationTime needs a Status');
  return { enabled, minutes: minutesOf(node.requiredChild('Time')) };
}

/** 15 is all there is. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationTimeValue.html */
function minutesOf(node: XmlNode): number {
  node.allowOnly('Minutes');
  const minutes = node.integer('Minutes');
  if (minutes === undefined) throw node.fault(`${node.name} needs Minutes`);
  if (minutes !== 15)
    throw invalidArgument('Minutes', String(minutes), `The value of ${node.name} Minutes is not valid: it must be 15.`);
  return minutes;
}

export function replicationConfiguration({ role, rules }: ReplicationConfiguration): string {
  return xmlDocument('ReplicationConfiguration', element('Role', role) + rules.map(ruleElement).join(''));
}

function ruleElement(rule: ReplicationRule): string {
  const criteria =
    status('ReplicaModifications', rule.replicaModifications) + status('SseKmsEncryptedObjects', rule.kmsObjects);
  return parent(
    'Rule',
    [
      element('ID', rule.id),
      optional('Priority', rule.priority),
      filterElement(rule.filter),
      element('Status', rule.enabled ? 'Enabled' : 'Disabled'),
      criteria === '' ? '' : parent('SourceSelectionCriteria', criteria),
      status('ExistingObjectReplication', rule.existingObjects),
      destinationElement(rule.destination),
      status('DeleteMarkerReplication', rule.deleteMarkers),
    ].join(''),
  );
}

/** '' when it was not given */
function status(name: string, enabled: boolean | null): string {
  return enabled === null ? '' : parent(name, element('Status', enabled ? 'Enabled' : 'Disabled'));
}

function filterElement({ form, prefix, tags }: ReplicationRule['filter']): string {
  if (form === 'prefix') return element('Prefix', prefix ?? '');
  const content =
    optional('Prefix', prefix) +
    Object.entries(tags)
      .map(([key, value]) => parent('Tag', element('Key', key) + element('Value', value)))
      .join('');
  return parent('Filter', form === 'and' ? parent('And', content) : content);
}

function destinationElement(destination: ReplicationDestination): string {
  const { arn, account, storageClass, ownerOverride, kmsKeyId, metrics, replicationTime } = destination;
  return parent(
    'Destination',
    [
      element('Bucket', arn),
      optional('Account', account),
      optional('StorageClass', storageClass),
      ownerOverride ? parent('AccessControlTranslation', element('Owner', 'Destination')) : '',
      kmsKeyId === null ? '' : parent('EncryptionConfiguration', element('ReplicaKmsKeyID', kmsKeyId)),
      replicationTime === null
        ? ''
        : parent(
            'ReplicationTime',
            onOff(replicationTime) + parent('Time', element('Minutes', replicationTime.minutes)),
          ),
      metrics === null
        ? ''
        : parent(
            'Metrics',
            onOff(metrics) +
              (metrics.minutes === null ? '' : parent('EventThreshold', element('Minutes', metrics.minutes))),
          ),
    ].join(''),
  );
}

function onOff({ enabled }: { readonly enabled: boolean }): string {
  return element('Status', enabled ? 'Enabled' : 'Disabled');
}
