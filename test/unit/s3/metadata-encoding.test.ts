/** User metadata beyond ASCII: what is kept of what clients send, and how it is answered. */
import { describe, expect, it } from 'vitest';
import { answeredMetadata, storedMetadataValue } from '../../../src/s3/metadata-encoding.js';

/** Text as the byte string that headers are. */
const bytes = (text: string): string => Buffer.from(text).toString('latin1');

describe('what is kept', () => {
  it.each([
    ['plain', 'plain'],
    [bytes('Grüße'), bytes('Grüße')],
    ['=?UTF-8?B?w6k=?=', bytes('é')],
    ['=?utf-8?q?caf=C3=A9_noir?=', bytes('café noir')],
    ['=?ISO-8859-1?Q?=E9?=', bytes('é')],
    ['before =?UTF-8?Q?=C3=A9?= after', bytes('before é after')],
    ['=?UTF-8?Q?=C3=A9?= =?UTF-8?B?w6k=?=', bytes('éé')],
    ['=?UTF-8*en?Q?x?=', 'x'],
    // no encoded words, or none that say anything
    ['=?UTF-8?X?abc?=', '=?UTF-8?X?abc?='],
    ['=?no-such-charset?Q?abc?=', '=?no-such-charset?Q?abc?='],
    ['=?UTF-8?Q?=FF?=', '=?UTF-8?Q?=FF?='],
    ['a =? b ?= c', 'a =? b ?= c'],
  ])('of %j', (sent, kept) => {
    expect(storedMetadataValue(sent)).toBe(kept);
  });
});

describe('what is answered', () => {
  const answer = (value: string) => answeredMetadata({ 'x-amz-meta-v': value })['x-amz-meta-v'];

  it('is ASCII as it is, tabs and all', () => {
    const headers = { 'content-type': bytes('té'), 'x-amz-meta-a': 'a\tb =?not a word?=', 'x-amz-meta-b': '' };
    expect(answeredMetadata(headers)).toEqual(headers);
  });

  it('is quoted where most of it can be read, else base64', () => {
    expect(answer(bytes('Hello World\u00e9'))).toBe('=?UTF-8?Q?Hello_World=C3=A9?=');
    expect(answer(bytes('a=b?c_d é'))).toBe('=?UTF-8?Q?a=3Db=3Fc=5Fd_=C3=A9?=');
    expect(answer(bytes('世界'))).toBe('=?UTF-8?B?5LiW55WM?=');
    // not UTF-8: one character a byte
    expect(answer('\u00e9')).toBe('=?UTF-8?B?w6k=?=');
  });

  it.each(['é', 'ab é cd '.repeat(40), '🎉 世界'.repeat(60), `${'x'.repeat(500)}é`])(
    'comes in words of at most 75 characters that mean the same',
    (text) => {
      const words = answer(bytes(text)) ?? '';
      for (const word of words.split(' ')) {
        expect(word.length).toBeLessThanOrEqual(75);
        expect(word).toMatch(/^=\?UTF-8\?[BQ]\?[!->@-~]+\?=$/);
      }
      expect(storedMetadataValue(words)).toBe(bytes(text));
    },
  );

  it('counts what no header can carry', () => {
    const stored = {
      'x-amz-meta-fine': 'yes',
      'x-amz-meta-lines': 'one\ntwo',
      'x-amz-meta-two words': 'x',
      'x-amz-meta-nul': '\u0000',
    };
    expect(answeredMetadata(stored)).toEqual({ 'x-amz-meta-fine': 'yes', 'x-amz-missing-meta': '3' });
  });
});
