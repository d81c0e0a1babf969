import { describe, expect, it } from 'vitest';
import { element, escapeXml, optional, parent, xmlDocument } from '../../../../src/s3/xml/build.js';
import { encodeListed, encodePrefixV1 } from '../../../../src/s3/xml/url-encoding.js';

describe('escapeXml', () => {
  it('escapes markup, quotes, line breaks and control characters', () => {
    expect(escapeXml('a&b<c>d"e')).toBe('a&amp;b&lt;c&gt;d&quot;e');
    expect(escapeXml('\r\n\t')).toBe('&#xD;&#10;&#x9;');
    expect(escapeXml('\u0001\u001f\u007f\u0085\ufffe')).toBe('&#x1;&#x1F;&#x7F;&#x85;&#xFFFE;');
  });

  it('leaves everything else alone', () => {
    expect(escapeXml("it's é \u{1F600} %20 +")).toBe("it's é \u{1F600} %20 +");
  });
});

describe('elements and documents', () => {
  it('writes strings escaped, numbers and booleans as they are', () => {
    expect(element('A', '<')).toBe('<A>&lt;</A>');
    expect(element('A', 0) + element('B', false)).toBe('<A>0</A><B>false</B>');
    expect(optional('A', undefined) + optional('B', null) + optional('C', '')).toBe('<C></C>');
    expect(parent('P', element('A', 1))).toBe('<P><A>1</A></P>');
  });

  it('starts with the declaration and names the namespace unless told not to', () => {
    expect(xmlDocument('R', '<A/>')).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<R xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><A/></R>',
    );
    expect(xmlDocument('R', '', { xmlns: false })).toBe('<?xml version="1.0" encoding="UTF-8"?>\n<R/>');
  });
});

describe('encoding-type=url', () => {
  it('encodes all but unreserved characters and the slash', () => {
    expect(encodeListed("a+b c/é*!'()~-_.%", 'url')).toBe('a%2Bb%20c/%C3%A9%2A%21%27%28%29~-_.%25');
    expect(encodeListed('\u0001\n', 'url')).toBe('%01%0A');
    expect(encodeListed('a+b c', null)).toBe('a+b c');
  });

  it('is undone alike by decoders that know + as a space and those that do not', () => {
    for (const key of ['a+b', 'a b', 'a%20b', '100%', 'é/\u{1F600}', '\u0000\r', "!*'();:@&=$,?#[]"]) {
      const encoded = encodeListed(key, 'url');
      expect(decodeURIComponent(encoded)).toBe(key);
      expect(decodeURIComponent(encoded.replaceAll('+', ' '))).toBe(key);
    }
  });

  it('leaves a version 1 prefix that decoding would not change', () => {
    expect(encodePrefixV1('a b/é\n', 'url')).toBe('a b/é\n');
    expect(encodePrefixV1('a+b c', 'url')).toBe('a%2Bb%20c');
    expect(encodePrefixV1('50%', 'url')).toBe('50%25');
    expect(encodePrefixV1('\u0001', 'url')).toBe('%01');
    expect(encodePrefixV1('a+b', null)).toBe('a+b');
  });
});
