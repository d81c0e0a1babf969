import { describe, expect, it } from 'vitest';
import type { DefaultRetention } from '../../../src/s3/object-lock.js';
import {
  checkDigestUnderLock,
  checkRetentionChange,
  isProtected,
  OBJECT_LOCK_DOCUMENT,
  requestedLock,
  retentionOfNew,
} from '../../../src/s3/object-lock.js';
import { deleteChange, putChange } from '../../../src/s3/versioning.js';
import {
  objectLockConfiguration,
  parseLegalHold,
  parseObjectLockConfiguration,
  parseRetention,
  retentionDocument,
} from '../../../src/s3/xml/object-lock.js';
import type { KeyState, ObjectVersion, Retention } from '../../../src/store/types.js';

const NOW_MS = Date.parse('2026-02-28T12:00:00.500Z');
const DAY_MS = 86_400_000;
const [SOON, LATER, PAST] = [NOW_MS + DAY_MS, NOW_MS + 2 * DAY_MS, NOW_MS - 1];
const OWNER = { id: 'o', displayName: 'o' };

function failure(code: string, status = 400): Error {
  return expect.objectContaining({ code, status }) as Error;
}

function locked(rule: DefaultRetention | null) {
  return { objectLock: true, documents: rule === null ? {} : { [OBJECT_LOCK_DOCUMENT]: JSON.stringify(rule) } };
}

describe('isProtected', () => {
  it.each<[string, Retention | null, boolean, { plain: boolean; bypassed: boolean }]>([
    ['nothing', null, false, { plain: false, bypassed: false }],
    ['governance', { mode: 'GOVERNANCE', untilMs: SOON }, false, { plain: true, bypassed: false }],
    ['compliance', { mode: 'COMPLIANCE', untilMs: SOON }, false, { plain: true, bypassed: true }],
    ['past compliance', { mode: 'COMPLIANCE', untilMs: NOW_MS }, false, { plain: false, bypassed: false }],
    ['legal hold', null, true, { plain: true, bypassed: true }],
    ['hold on past governance', { mode: 'GOVERNANCE', untilMs: PAST }, true, { plain: true, bypassed: true }],
  ])('%s', (_name, retention, legalHold, expected) => {
    expect({
      plain: isProtected({ retention, legalHold }, { nowMs: NOW_MS, bypass: false }),
      bypassed: isProtected({ retention, legalHold }, { nowMs: NOW_MS, bypass: true }),
    }).toEqual(expected);
  });
});

describe('checkRetentionChange', () => {
  const governance: Retention = { mode: 'GOVERNANCE', untilMs: SOON };
  const compliance: Retention = { mode: 'COMPLIANCE', untilMs: SOON };
  const can = (current: Retention | null, wanted: Retention | null, bypass = false): boolean => {
    try {
      checkRetentionChange({ retention: current }, wanted, { nowMs: NOW_MS, bypass });
      return true;
    } catch (error) {
      expect(error).toEqual(failure('AccessDenied', 403));
      return false;
    }
  };

  it('lets anybody extend what runs', () => {
    expect(can(governance, { mode: 'GOVERNANCE', untilMs: LATER })).toBe(true);
    expect(can(compliance, { mode: 'COMPLIANCE', untilMs: LATER })).toBe(true);
    expect(can(compliance, compliance)).toBe(true);
  });

  it('needs the bypass to weaken or change governance', () => {
    for (const wanted of [null, { ...governance, untilMs: SOON - 1 }, { ...compliance, untilMs: LATER }]) {
      expect(can(governance, wanted)).toBe(false);
      expect(can(governance, wanted, true)).toBe(true);
    }
  });

  it('never weakens compliance', () => {
    for (const wanted of [null, { ...compliance, untilMs: SOON - 1 }, { ...governance, untilMs: LATER }])
      expect(can(compliance, wanted, true)).toBe(false);
  });

  it('lets go of what has passed', () => {
    expect(can({ mode: 'COMPLIANCE', untilMs: NOW_MS }, null)).toBe(true);
    expect(can(null, compliance)).toBe(true);
  });
});

describe('retentionOfNew', () => {
  const until = (rule: DefaultRetention): string | undefined => {
    const retention = retentionOfNew(locked(rule), null, NOW_MS);
    return retention === null ? undefined : new Date(retention.untilMs).toISOString();
  };

  it('adds days, or calendar years', () => {
    expect(until({ mode: 'GOVERNANCE', unit: 'days', count: 1 })).toBe('2026-03-01T12:00:00.500Z');
    expect(until({ mode: 'COMPLIANCE', unit: 'years', count: 2 })).toBe('2028-02-28T12:00:00.500Z');
  });

  it('prefers what the request brings, and needs a locked bucket', () => {
    const rule: DefaultRetention = { mode: 'GOVERNANCE', unit: 'days', count: 1 };
    const own: Retention = { mode: 'COMPLIANCE', untilMs: SOON };
    expect(retentionOfNew(locked(rule), own, NOW_MS)).toBe(own);
    expect(retentionOfNew(locked(null), null, NOW_MS)).toBeNull();
    expect(retentionOfNew({ ...locked(rule), objectLock: false }, null, NOW_MS)).toBeNull();
  });
});

describe('requestedLock', () => {
  const mode = { 'x-amz-object-lock-mode': 'GOVERNANCE' };
  const until = { 'x-amz-object-lock-retain-until-date': '2026-03-01T00:00:00Z' };
  const lock = (headers: Record<string, string>, objectLock = true) => requestedLock(headers, { objectLock }, NOW_MS);

  it('reads mode, date and hold', () => {
    expect(lock({ ...mode, ...until, 'x-amz-object-lock-legal-hold': 'ON' })).toEqual({
      retention: { mode: 'GOVERNANCE', untilMs: Date.parse('2026-03-01T00:00:00Z') },
      legalHold: true,
    });
    expect(lock({}, false)).toEqual({ retention: null, legalHold: false });
    expect(lock({ 'x-amz-object-lock-legal-hold': 'OFF' }).legalHold).toBe(false);
  });

  it.each<[string, Record<string, string>]>([
    ['a mode alone', mode],
    ['a date alone', until],
    ['an unknown mode', { ...until, 'x-amz-object-lock-mode': 'governance' }],
    ['a date in the past', { ...mode, 'x-amz-object-lock-retain-until-date': '2026-02-28T12:00:00Z' }],
    ['a date that is none', { ...mode, 'x-amz-object-lock-retain-until-date': 'tomorrow' }],
    ['an unknown hold', { 'x-amz-object-lock-legal-hold': 'on' }],
  ])('refuses %s', (_name, headers) => {
    expect(() => lock(headers)).toThrow(failure('InvalidArgument'));
  });

  it('refuses any of them in a bucket without Object Lock', () => {
    expect(() => lock({ ...mode, ...until }, false)).toThrow(failure('InvalidRequest'));
    expect(() => lock({ 'x-amz-object-lock-legal-hold': 'OFF' }, false)).toThrow(failure('InvalidRequest'));
  });
});

describe('checkDigestUnderLock', () => {
  const none = { md5: null, algorithm: null };
  const rule: DefaultRetention = { mode: 'GOVERNANCE', unit: 'days', count: 1 };
  const free = { retention: null, legalHold: false };

  it('asks for a digest where the object will be locked', () => {
    const retention: Retention = { mode: 'GOVERNANCE', untilMs: SOON };
    expect(() => checkDigestUnderLock(locked(rule), free, none)).toThrow(failure('InvalidRequest'));
    expect(() => checkDigestUnderLock(locked(null), { ...free, retention }, none)).toThrow(failure('InvalidRequest'));
    expect(() => checkDigestUnderLock(locked(null), { ...free, legalHold: true }, none)).toThrow(
      failure('InvalidRequest'),
    );
  });

  it('is content with any, and with none where nothing is locked', () => {
    expect(() => checkDigestUnderLock(locked(rule), free, { ...none, md5: Buffer.alloc(16) })).not.toThrow();
    expect(() => checkDigestUnderLock(locked(rule), free, { ...none, algorithm: 'CRC32' })).not.toThrow();
    expect(() => checkDigestUnderLock(locked(null), free, none)).not.toThrow();
  });
});

describe('a protected null version', () => {
  const nullVersion = {
    ...deleteMarkerLike(),
    retention: { mode: 'COMPLIANCE', untilMs: SOON } as const,
    versionId: 'null',
    seq: 1,
  };
  const state: KeyState = { seq: 1, latest: nullVersion, previous: null, nullVersion, selected: nullVersion };
  const draft = { ...nullVersion, retention: null, lastModified: NOW_MS };

  it.each(['unversioned', 'suspended'] as const)('is neither overwritten nor deleted in an %s bucket', (versioning) => {
    expect(() => putChange(versioning, state, draft)).toThrow(failure('AccessDenied', 403));
    expect(() => deleteChange(versioning, state, { owner: OWNER, nowMs: NOW_MS })).toThrow(
      failure('AccessDenied', 403),
    );
  });

  it('lets versions and delete markers be laid on top, and goes when its time has passed', () => {
    expect(putChange('enabled', state, draft).remove).toBeUndefined();
    expect(deleteChange('enabled', state, { owner: OWNER, nowMs: NOW_MS })?.remove).toBeUndefined();
    expect(putChange('suspended', state, { ...draft, lastModified: SOON }).remove).toEqual([nullVersion]);
  });
});

function deleteMarkerLike(): Omit<ObjectVersion, 'versionId' | 'seq'> {
  return {
    deleteMarker: false,
    sizeBytes: 0,
    etag: 'e',
    lastModified: 1,
    storageClass: 'STANDARD',
    owner: OWNER,
    headers: {},
    data: { kind: 'none' },
    acl: null,
    tags: {},
    parts: null,
    checksum: null,
    encryption: null,
    retention: null,
    legalHold: false,
    uploadId: null,
    extra: {},
  };
}

describe('documents', () => {
  const configuration = (retention: string): string =>
    `<ObjectLockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>${retention}</DefaultRetention></Rule></ObjectLockConfiguration>`;

  it('keep a default retention', () => {
    for (const rule of [
      { mode: 'GOVERNANCE', unit: 'days', count: 36_500 },
      { mode: 'COMPLIANCE', unit: 'years', count: 1 },
    ] as const)
      expect(parseObjectLockConfiguration(objectLockConfiguration(rule))).toEqual(rule);
    expect(parseObjectLockConfiguration(objectLockConfiguration(null))).toBeNull();
  });

  it.each([
    ['<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>', 'MalformedXML'],
    ['<Mode>GOVERNANCE</Mode>', 'MalformedXML'],
    ['<Days>1</Days>', 'MalformedXML'],
    ['<Mode>governance</Mode><Days>1</Days>', 'MalformedXML'],
    ['<Mode>GOVERNANCE</Mode><Days>one</Days>', 'MalformedXML'],
    ['<Mode>GOVERNANCE</Mode><Days>0</Days>', 'InvalidRetentionPeriod'],
    ['<Mode>GOVERNANCE</Mode><Years>-1</Years>', 'InvalidRetentionPeriod'],
    ['<Mode>GOVERNANCE</Mode><Days>36501</Days>', 'InvalidRetentionPeriod'],
    ['<Mode>GOVERNANCE</Mode><Years>101</Years>', 'InvalidRetentionPeriod'],
  ])('refuse %s', (retention, code) => {
    expect(() => parseObjectLockConfiguration(configuration(retention))).toThrow(failure(code));
  });

  it('refuse a configuration that is not Enabled', () => {
    for (const status of ['<ObjectLockEnabled>Disabled</ObjectLockEnabled>', ''])
      expect(() =>
        parseObjectLockConfiguration(`<ObjectLockConfiguration>${status}</ObjectLockConfiguration>`),
      ).toThrow(failure('MalformedXML'));
  });

  it('keep a retention to the millisecond', () => {
    const retention: Retention = { mode: 'COMPLIANCE', untilMs: NOW_MS };
    expect(retentionDocument(retention)).toContain('<RetainUntilDate>2026-02-28T12:00:00.500Z</RetainUntilDate>');
    expect(parseRetention(retentionDocument(retention))).toEqual(retention);
    expect(parseRetention('<Retention/>')).toBeNull();
  });

  it.each([
    '<Mode>GOVERNANCE</Mode>',
    '<RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate>',
    '<Mode>abc</Mode><RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate>',
    '<Mode>GOVERNANCE</Mode><RetainUntilDate>2030</RetainUntilDate>',
  ])('refuse the retention %s', (content) => {
    expect(() => parseRetention(`<Retention>${content}</Retention>`)).toThrow(failure('MalformedXML'));
  });

  it('know a legal hold', () => {
    expect(parseLegalHold('<LegalHold><Status>OFF</Status></LegalHold>')).toBe('OFF');
    for (const content of ['', '<Status>on</Status>'])
      expect(() => parseLegalHold(`<LegalHold>${content}</LegalHold>`)).toThrow(failure('MalformedXML'));
  });
});
