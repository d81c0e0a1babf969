/**
 * Documents of Object Lock. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html,
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html
 */
import type { Retention } from '../../store/types.js';
import { parseIsoDate } from '../dates.js';
import { S3Error } from '../errors.js';
import type { DefaultRetention } from '../object-lock.js';
import { isoMs, RETENTION_MODES } from '../object-lock.js';
import { element, parent, xmlDocument } from './build.js';
import type { XmlNode } from './parse.js';
import { parseXml } from './parse.js';

/** Of the default retention. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html */
const MAX_PERIOD: Readonly<Record<DefaultRetention['unit'], number>> = { days: 36_500, years: 100 };

/** null: Object Lock without a default retention. @throws S3Error MalformedXML, InvalidRetentionPeriod */
export function parseObjectLockConfiguration(body: Buffer | string): DefaultRetention | null {
  const root = parseXml(body, { root: 'ObjectLockConfiguration' });
  root.allowOnly('ObjectLockEnabled', 'Rule');
  if (root.choice('ObjectLockEnabled', ['Enabled']) === undefined) throw root.fault('it needs ObjectLockEnabled');
  const rule = root.child('Rule');
  if (rule === undefined) return null;
  rule.allowOnly('DefaultRetention');
  const retention = rule.requiredChild('DefaultRetention');
  retention.allowOnly('Mode', 'Days', 'Years');
  const mode = retention.choice('Mode', RETENTION_MODES);
  if (mode === undefined) throw retention.fault('DefaultRetention needs a Mode');
  const days = retention.signedInteger('Days');
  const years = retention.signedInteger('Years');
  if (days !== undefined && years === undefined) return checkPeriod({ mode, unit: 'days', count: days });
  if (years !== undefined && days === undefined) return checkPeriod({ mode, unit: 'years', count: years });
  throw retention.fault('DefaultRetention needs either Days or Years');
}

function checkPeriod(retention: DefaultRetention): DefaultRetention {
  const { unit, count } = retention;
  if (count < 1)
    throw new S3Error('InvalidRetentionPeriod', {
      message: 'Default retention period must be a positive integer value.',
    });
  if (count > MAX_PERIOD[unit])
    throw new S3Error('InvalidRetentionPeriod', {
      message: `Default retention period is too large: at most ${MAX_PERIOD[unit]} ${unit}.`,
    });
  return retention;
}

export function objectLockConfiguration(rule: DefaultRetention | null): string {
  const enabled = element('ObjectLockEnabled', 'Enabled');
  if (rule === null) return xmlDocument('ObjectLockConfiguration', enabled);
  const period = element(rule.unit === 'days' ? 'Days' : 'Years', rule.count);
  const retention = parent('DefaultRetention', element('Mode', rule.mode) + period);
  return xmlDocument('ObjectLockConfiguration', enabled + parent('Rule', retention));
}

/** null: an empty document, which takes the retention away. @throws S3Error MalformedXML */
export function parseRetention(body: Buffer | string): Retention | null {
  const root = parseXml(body, { root: 'Retention' });
  root.allowOnly('Mode', 'RetainUntilDate');
  const mode = root.choice('Mode', RETENTION_MODES);
  const until = root.text('RetainUntilDate');
  if (mode === undefined && until === undefined) return null;
  if (mode === undefined || until === undefined) throw root.fault('Retention needs both Mode and RetainUntilDate');
  return { mode, untilMs: dateOf(root, until) };
}

function dateOf(root: XmlNode, text: string): number {
  const ms = parseIsoDate(text.trim());
  if (ms === null) throw root.fault('RetainUntilDate must be an ISO 8601 date and time');
  return ms;
}

export function retentionDocument({ mode, untilMs }: Retention): string {
  return xmlDocument('Retention', element('Mode', mode) + element('RetainUntilDate', isoMs(untilMs)));
}

/** @throws S3Error MalformedXML */
export function parseLegalHold(body: Buffer | string): 'ON' | 'OFF' {
  const root = parseXml(body, { root: 'LegalHold' });
  root.allowOnly('Status');
  const status = root.choice('Status', ['ON', 'OFF']);
  if (status === undefined) throw root.fault('LegalHold needs a Status');
  return status;
}

export function legalHold(status: 'ON' | 'OFF'): string {
  return xmlDocument('LegalHold', element('Status', status));
}
