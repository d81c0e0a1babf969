/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html */
import { randomUUID } from 'node:crypto';
import { S3Error } from '../errors.js';
import type { EventType, NotificationConfiguration, NotificationKind } from '../notification.js';
import { EVENT_TYPES } from '../notification.js';
import { element, parent, xmlDocument } from './build.js';
import type { XmlNode } from './parse.js';
import { parseXml } from './parse.js';

const MAX_CONFIGURATIONS = 100;
const MAX_ID_CHARS = 255;
/** A key is no longer either. */
const MAX_FILTER_BYTES = 1024;

/** Elements of a kind: its own, that of its ARN, and what clients from before 2014 call it. */
const ELEMENTS: Readonly<
  Record<NotificationKind, { readonly configuration: string; readonly arn: string; readonly arns: readonly string[] }>
> = {
  topic: { configuration: 'TopicConfiguration', arn: 'Topic', arns: ['Topic'] },
  queue: { configuration: 'QueueConfiguration', arn: 'Queue', arns: ['Queue'] },
  function: {
    configuration: 'CloudFunctionConfiguration',
    arn: 'CloudFunction',
    arns: ['CloudFunction', 'LambdaFunctionArn'],
  },
};
const KINDS = ['topic', 'queue', 'function'] as const;

export interface ParsedNotification {
  readonly configurations: readonly NotificationConfiguration[];
  readonly eventBridge: boolean;
}

/** A configuration without an Id gets one. @throws S3Error MalformedXML, InvalidArgument */
export function parseNotificationConfiguration(
  body: Buffer | string,
  limits: { readonly maxBytes?: number } = {},
): ParsedNotification {
  const root = parseXml(body, { root: 'NotificationConfiguration', ...limits });
  root.allowOnly(
    ...KINDS.map((kind) => ELEMENTS[kind].configuration),
    'LambdaFunctionConfiguration',
    'EventBridgeConfiguration',
  );
  const configurations: NotificationConfiguration[] = [];
  for (const kind of KINDS)
    for (const node of [
      ...root.children(ELEMENTS[kind].configuration),
      ...(kind === 'function' ? root.children('LambdaFunctionConfiguration') : []),
    ])
      configurations.push(parseConfiguration(kind, node));
  if (configurations.length > MAX_CONFIGURATIONS)
    throw root.fault(`NotificationConfiguration has more than ${MAX_CONFIGURATIONS} configurations`);
  return { configurations, eventBridge: root.child('EventBridgeConfiguration') !== undefined };
}

function parseConfiguration(kind: NotificationKind, node: XmlNode): NotificationConfiguration {
  const { arns } = ELEMENTS[kind];
  node.allowOnly('Id', 'Event', 'Filter', ...arns);
  const given = arns.flatMap((name) => node.children(name));
  const [arn] = given;
  if (arn === undefined || given.length > 1) throw node.fault(`${node.name} needs one ${ELEMENTS[kind].arn}`);
  const events = node.children('Event').map(parseEvent);
  if (events.length === 0) throw node.fault(`${node.name} needs an Event`);
  const id = node.text('Id') ?? '';
  if (id.length > MAX_ID_CHARS)
    throw new S3Error('InvalidArgument', { message: `Id length must not exceed ${MAX_ID_CHARS} characters` });
  const filter = node.child('Filter');
  return {
    kind,
    id: id === '' ? randomUUID() : id,
    arn: arn.ownText().trim(),
    events: [...new Set(events)],
    filter: filter === undefined ? null : parseFilter(filter),
  };
}

function parseEvent(node: XmlNode): EventType {
  const text = node.ownText().trim();
  const type = EVENT_TYPES.find((candidate) => candidate === text);
  if (type === undefined)
    throw new S3Error('InvalidArgument', {
      message: 'The event is not supported for notifications',
      detail: { ArgumentName: 'Event', ArgumentValue: text },
    });
  return type;
}

function parseFilter(filter: XmlNode): NotificationConfiguration['filter'] {
  filter.allowOnly('S3Key');
  const rules = { prefix: null as string | null, suffix: null as string | null };
  const key = filter.child('S3Key');
  key?.allowOnly('FilterRule');
  for (const rule of key?.children('FilterRule') ?? []) {
    rule.allowOnly('Name', 'Value');
    const given = rule.requiredText('Name').trim();
    const name = given.toLowerCase();
    if (name !== 'prefix' && name !== 'suffix')
      throw new S3Error('InvalidArgument', {
        message: 'filter rule name must be either prefix or suffix',
        detail: { ArgumentName: 'FilterRule.Name', ArgumentValue: given },
      });
    if (rules[name] !== null)
      throw new S3Error('InvalidArgument', { message: `Cannot specify more than one ${name} rule in a filter.` });
    const value = rule.requiredText('Value');
    if (Buffer.byteLength(value) > MAX_FILTER_BYTES)
      throw new S3Error('InvalidArgument', {
        message: `Size of filter rule value cannot exceed ${MAX_FILTER_BYTES} bytes in UTF-8 representation`,
        detail: { ArgumentName: 'FilterRule.Value', ArgumentValue: value },
      });
    rules[name] = value;
  }
  return rules;
}

/** As AWS answers it: the root is there also when nothing is configured. */
export function notificationConfiguration(configurations: readonly NotificationConfiguration[]): string {
  return xmlDocument(
    'NotificationConfiguration',
    configurations
      .map(({ kind, id, arn, events, filter }) => {
        const names = ELEMENTS[kind];
        return parent(
          names.configuration,
          [
            element('Id', id),
            element(names.arn, arn),
            ...events.map((event) => element('Event', event)),
            filter === null ? '' : filterElement(filter),
          ].join(''),
        );
      })
      .join(''),
  );
}

function filterElement(filter: NonNullable<NotificationConfiguration['filter']>): string {
  const rules = (['prefix', 'suffix'] as const).map((name) => {
    const value = filter[name];
    if (value === null) return '';
    return parent('FilterRule', element('Name', name === 'prefix' ? 'Prefix' : 'Suffix') + element('Value', value));
  });
  return parent('Filter', parent('S3Key', rules.join('')));
}
