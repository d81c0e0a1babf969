/** Lifecycle rules as the console edits them. What it cannot show (tags, sizes, dates) it keeps as it came. */
import type { Client } from './client.js';
import { el, escapeXml, xmlDocument } from '../lib/xml.js';
import type { Xml } from '../lib/xml.js';

export interface LifecycleRule {
  readonly id: string;
  readonly enabled: boolean;
  readonly prefix: string;
  /** Days; '' = not */
  readonly expireDays: string;
  readonly noncurrentDays: string;
  readonly abortUploadDays: string;
  readonly transitionDays: string;
  readonly transitionClass: string;
  readonly expiredMarkers: boolean;
  /** The rule has parts that the form does not show; then this is all of it, and only `enabled` can be changed. */
  readonly foreign: string | null;
}

export const NEW_RULE: LifecycleRule = {
  id: '',
  enabled: true,
  prefix: '',
  expireDays: '',
  noncurrentDays: '',
  abortUploadDays: '',
  transitionDays: '',
  transitionClass: 'STANDARD_IA',
  expiredMarkers: false,
  foreign: null,
};

export async function getLifecycle(client: Client, bucket: string): Promise<LifecycleRule[]> {
  const xml = await client.optionalXml({ bucket, query: [['lifecycle', '']] }, /^NoSuchLifecycleConfiguration$/);
  return (xml?.all('Rule') ?? []).map(readRule);
}

export async function putLifecycle(client: Client, bucket: string, rules: readonly LifecycleRule[]): Promise<void> {
  if (rules.length === 0) {
    await client.send({ method: 'DELETE', bucket, query: [['lifecycle', '']] });
    return;
  }
  const body = xmlDocument('LifecycleConfiguration', rules.map(writeRule));
  await client.send({ method: 'PUT', bucket, query: [['lifecycle', '']], body });
}

/** Paths of all that the form can show. */
const SHOWN = new Set([
  'ID',
  'Status',
  'Prefix',
  'Filter',
  'Filter/Prefix',
  'Expiration',
  'Expiration/Days',
  'Expiration/ExpiredObjectDeleteMarker',
  'NoncurrentVersionExpiration',
  'NoncurrentVersionExpiration/NoncurrentDays',
  'AbortIncompleteMultipartUpload',
  'AbortIncompleteMultipartUpload/DaysAfterInitiation',
  'Transition',
  'Transition/Days',
  'Transition/StorageClass',
]);

function readRule(rule: Xml): LifecycleRule {
  const fits = rule.all('Transition').length <= 1 && pathsOf(rule, '').every((path) => SHOWN.has(path));
  return {
    id: rule.text('ID'),
    enabled: rule.text('Status') === 'Enabled',
    prefix: rule.optional('Filter', 'Prefix') ?? rule.optional('Filter', 'And', 'Prefix') ?? rule.text('Prefix'),
    expireDays: rule.text('Expiration', 'Days'),
    noncurrentDays: rule.text('NoncurrentVersionExpiration', 'NoncurrentDays'),
    abortUploadDays: rule.text('AbortIncompleteMultipartUpload', 'DaysAfterInitiation'),
    transitionDays: rule.text('Transition', 'Days'),
    transitionClass: rule.text('Transition', 'StorageClass') || 'STANDARD_IA',
    expiredMarkers: rule.text('Expiration', 'ExpiredObjectDeleteMarker') === 'true',
    foreign: fits ? null : contentOf(rule),
  };
}

function pathsOf(xml: Xml, prefix: string): string[] {
  return xml.all().flatMap((child) => [`${prefix}${child.name}`, ...pathsOf(child, `${prefix}${child.name}/`)]);
}

function contentOf(xml: Xml): string {
  const children = xml.all().filter(({ name }) => name !== 'Status');
  if (xml.all().length === 0) return escapeXml(xml.value);
  return children.map((child) => `<${child.name}>${contentOf(child)}</${child.name}>`).join('');
}

export function writeRule(rule: LifecycleRule): { readonly xml: string } {
  const status = el('Status', rule.enabled ? 'Enabled' : 'Disabled');
  if (rule.foreign !== null) return el('Rule', [{ xml: rule.foreign }, status]);
  const days = (name: string, unit: string, count: string) => el(name, count === '' ? null : el(unit, count));
  const expiration =
    rule.expireDays === '' && rule.expiredMarkers
      ? el('Expiration', el('ExpiredObjectDeleteMarker', true))
      : days('Expiration', 'Days', rule.expireDays);
  return el('Rule', [
    el('ID', rule.id === '' ? null : rule.id),
    status,
    el('Filter', el('Prefix', rule.prefix)),
    expiration,
    el(
      'Transition',
      rule.transitionDays === '' ? null : [el('Days', rule.transitionDays), el('StorageClass', rule.transitionClass)],
    ),
    days('NoncurrentVersionExpiration', 'NoncurrentDays', rule.noncurrentDays),
    days('AbortIncompleteMultipartUpload', 'DaysAfterInitiation', rule.abortUploadDays),
  ]);
}

/** What the rule does, in a sentence. */
export function describeRule(rule: LifecycleRule): string {
  if (rule.foreign !== null) return 'Made elsewhere, with parts that are not shown here';
  const parts = [
    rule.expireDays === '' ? '' : `deletes after ${rule.expireDays} days`,
    rule.expiredMarkers ? 'removes delete markers without versions' : '',
    rule.transitionDays === '' ? '' : `moves to ${rule.transitionClass} after ${rule.transitionDays} days`,
    rule.noncurrentDays === '' ? '' : `deletes old versions after ${rule.noncurrentDays} days`,
    rule.abortUploadDays === '' ? '' : `ends unfinished uploads after ${rule.abortUploadDays} days`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'does nothing yet' : parts.join(', ');
}
