import { describe, expect, it } from 'vitest';
import { S3Error } from '../../../../src/s3/errors.js';
import { escapeXml } from '../../../../src/s3/xml/build.js';
import { parseXml } from '../../../../src/s3/xml/parse.js';
import type { ParseOptions, XmlNode } from '../../../../src/s3/xml/parse.js';

function parse(text: string | Buffer, options: Partial<ParseOptions> = {}): XmlNode {
  return parseXml(text, { root: 'R', ...options });
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('parseXml', () => {
  it('keeps order, repetition and white space of text', () => {
    const root = parse('<R>\n  <K> a  b\t</K><V/><K>2</K>\r\n</R>');
    expect(root.elements.map((element) => element.name)).toEqual(['K', 'V', 'K']);
    expect(root.children('K').map((element) => element.content)).toEqual([' a  b\t', '2']);
    expect(root.text('V')).toBe('');
    expect(root.text('Missing')).toBeUndefined();
  });

  it('resolves predefined entities and character references once, and nothing in CDATA', () => {
    const root = parse('<R><K>&lt;&amp;lt;&gt;&quot;&apos;&#65;&#x1F600;&#xD;<![CDATA[<a>&amp;]]>!</K></R>');
    expect(root.text('K')).toBe('<&lt;>"\'A\u{1F600}\r<a>&amp;!');
  });

  it('joins text around comments, CDATA and instructions', () => {
    expect(parse('<R><K>a<!-- <b> -->b<![CDATA[c]]>d<?pi e?>f</K></R>').text('K')).toBe('abcdf');
  });

  it('normalises literal line ends as XML does, and leaves references to them', () => {
    expect(parse('<R><K>a\r\nb\rc&#13;&#10;</K></R>').text('K')).toBe('a\nb\nc\r\n');
  });

  it('never turns text into numbers or booleans', () => {
    expect(parse('<R><K>007</K><L>1e3</L><M>true</M></R>').elements.map((element) => element.content)).toEqual([
      '007',
      '1e3',
      'true',
    ]);
  });

  it('ignores namespaces and reads attributes by local name', () => {
    const text =
      '<p:R xmlns:p="http://s3.amazonaws.com/doc/2006-03-01/" xmlns:xsi="http://x"><p:G xsi:type=\'a&amp;"b&#10;\n\' n="1"/></p:R>';
    const grantee = parse(text).requiredChild('G');
    expect(grantee.attribute('type')).toBe('a&"b\n ');
    expect(grantee.attribute('n')).toBe('1');
    expect(grantee.attribute('xsi')).toBeUndefined();
  });

  it('is not confused by names that objects already have', () => {
    expect(parse('<R a="1"/>').attribute('toString')).toBeUndefined();
    expect(parse('<R/>').child('constructor')).toBeUndefined();
    expect(codeOf(() => parse('<R><constructor/></R>').allowOnly('a'))).toBe('MalformedXML');
    expect(codeOf(() => parse('<R><__proto__/></R>').allowOnly('a'))).toBe('MalformedXML');
    expect(codeOf(() => parse('<R><toString/></R>').allowOnly('a'))).toBe('MalformedXML');
    expect(codeOf(() => parse('<R __proto__="1"/>').attribute('a'))).toBe('MalformedXML');
  });

  it.each([
    '<?xml version="1.0" encoding="UTF-8"?>\n<R/>',
    "<?xml version='1.0' encoding='utf-8' standalone='yes' ?><R/>",
    '\uFEFF<R/>',
    '<!-- c --><?pi x?>\n<R></R>\n<!-- d -->',
    Buffer.from('\uFEFF<?xml version="1.0"?><R/>'),
  ])('accepts prologs and epilogs: %j', (text) => {
    expect(parse(text).elements).toEqual([]);
  });

  it.each([
    ['nothing', ''],
    ['white space only', ' \n'],
    ['text only', 'hello'],
    ['JSON', '{"R": 1}'],
    ['another root', '<Other/>'],
    ['an unclosed root', '<R>'],
    ['an unclosed child', '<R><K></R>'],
    ['crossed tags', '<R><a><b></a></b></R>'],
    ['a stray end tag', '<R></R></R>'],
    ['an end tag first', '</R><R/>'],
    ['two roots', '<R/><R/>'],
    ['a second root after the first', '<R></R><R></R>'],
    ['text before the root', 'x<R/>'],
    ['text after the root', '<R/>x'],
    ['CDATA outside of the root', '<R/><![CDATA[x]]>'],
    ['an open comment', '<R/><!-- x'],
    ['a double hyphen in a comment', '<R><!-- a -- b --></R>'],
    ['open CDATA', '<R><![CDATA[x</R>'],
    ['an open start tag', '<R'],
    ['a space before a name', '< R/>'],
    ['a digit as a name', '<R><1/></R>'],
    ['an attribute without a value', '<R a/>'],
    ['an attribute without quotes', '<R a=1/>'],
    ['attributes run together', '<R a="1"b="2"/>'],
    ['a repeated attribute', '<R a="1" a="2"/>'],
    ['< in an attribute', '<R a="<"/>'],
    ['a bare ampersand', '<R>a & b</R>'],
    ['an unknown entity', '<R>&nbsp;</R>'],
    ['an unknown entity in an attribute', '<R a="&x;"/>'],
    ['an entity that objects have', '<R>&constructor;</R>'],
    ['a reference without semicolon', '<R>&amp</R>'],
    ['a reference to a forbidden character', '<R>&#0;</R>'],
    ['a reference to a surrogate', '<R>&#xD800;</R>'],
    ['a reference beyond Unicode', '<R>&#x110000;</R>'],
    ['a control character', '<R>\u0001</R>'],
    ['a lone surrogate', '<R>\uD800</R>'],
    [']]> in text', '<R>]]></R>'],
    ['a DOCTYPE', '<!DOCTYPE R><R/>'],
    ['a DOCTYPE with entities', '<!DOCTYPE R [<!ENTITY a "b">]><R>&a;</R>'],
    ['a declaration that is not first', '\n<?xml version="1.0"?><R/>'],
    ['a broken declaration', '<?xml version="1.0" encoding=UTF-8?><R/>'],
    ['another encoding', '<?xml version="1.0" encoding="ISO-8859-1"?><R/>'],
    ['a null byte', '<R/>\0'],
  ])('refuses %s', (_what, text) => {
    expect(codeOf(() => parse(text))).toBe('MalformedXML');
  });

  it('refuses bytes that are not UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from('<R>'), Buffer.from([0xc3, 0x28]), Buffer.from('</R>')]);
    expect(codeOf(() => parse(bytes))).toBe('MalformedXML');
    expect(codeOf(() => parse(Buffer.from('<R/>', 'utf16le')))).toBe('MalformedXML');
  });

  it('limits depth and size', () => {
    const nested = (depth: number): string => `<R>${'<a>'.repeat(depth - 1)}${'</a>'.repeat(depth - 1)}</R>`;
    expect(codeOf(() => parse(nested(4), { maxDepth: 4 }))).toBe('accepted');
    expect(codeOf(() => parse(nested(5), { maxDepth: 4 }))).toBe('MalformedXML');
    expect(codeOf(() => parse('<R><a><b/></a></R>', { maxDepth: 2 }))).toBe('MalformedXML');
    expect(codeOf(() => parse('<R>é</R>', { maxBytes: 9 }))).toBe('accepted');
    expect(codeOf(() => parse('<R>éé</R>', { maxBytes: 10 }))).toBe('MaxMessageLengthExceeded');
    expect(codeOf(() => parse(Buffer.from('<R>éé</R>'), { maxBytes: 10 }))).toBe('MaxMessageLengthExceeded');
  });

  it('says which element is wrong', () => {
    expect(() => parse('<R><a><b></a></R>')).toThrow(/end tag a where b is expected/);
    expect(() => parse('<S/>')).toThrow(/root element must be R/);
  });

  it('uses the code it is given', () => {
    expect(codeOf(() => parse('<R', { code: 'MalformedACLError' }))).toBe('MalformedACLError');
    expect(codeOf(() => parse('<R/>', { code: 'MalformedACLError' }).requiredText('K'))).toBe('MalformedACLError');
  });

  it('gives back any text that was escaped', () => {
    const pieces = [
      'a',
      ' ',
      '\n',
      '\r',
      '\t',
      '<',
      '>',
      '&',
      '"',
      "'",
      ']]>',
      '&amp;',
      'é',
      '\u{1F600}',
      '\u0085',
      '%',
    ];
    let seed = 1;
    for (let round = 0; round < 200; round++) {
      let text = '';
      for (let length = 0; length < 12; length++) {
        seed = (seed * 48271) % 2147483647;
        text += pieces[seed % pieces.length] ?? '';
      }
      const node = parse(`<R a="${escapeXml(text)}"><K>${escapeXml(text)}</K></R>`);
      expect(node.text('K')).toBe(text);
      expect(node.attribute('a')).toBe(text);
    }
  });

  it('stays linear on hostile input', () => {
    const size = 400_000;
    const hostile = [
      `<R ${' '.repeat(size)}<`,
      `<R>${'&amp;'.repeat(size / 5)}&</R>`,
      `<R${' a="b"'.repeat(20_000)} c=</R>`,
      `<${'a'.repeat(size)}`,
      `<R>${'<?a '.repeat(size / 4)}</R>`,
      `<R>${'<!--'.repeat(size / 4)}</R>`,
      `<R>${'<![CDATA['.repeat(size / 9)}</R>`,
      `<R>${'</'.repeat(size / 2)}`,
    ];
    const startedAt = performance.now();
    for (const text of hostile) expect(codeOf(() => parse(text))).toBe('MalformedXML');
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});

describe('XmlNode', () => {
  const root = parse(
    '<R><n>42</n><neg>-1</neg><big>99999999999999999</big><yes> TRUE </yes><no>false</no><maybe>x</maybe><k>a</k><k>b</k><e><f/></e></R>',
  );

  it('reads integers', () => {
    expect(root.integer('n')).toBe(42);
    expect(root.integer('missing')).toBeUndefined();
    expect(codeOf(() => root.integer('neg'))).toBe('MalformedXML');
    expect(codeOf(() => root.integer('big'))).toBe('MalformedXML');
    expect(codeOf(() => root.integer('maybe'))).toBe('MalformedXML');
  });

  it('reads booleans', () => {
    expect(root.boolean('yes')).toBe(true);
    expect(root.boolean('no')).toBe(false);
    expect(codeOf(() => root.boolean('maybe'))).toBe('MalformedXML');
  });

  it('reads words', () => {
    expect(root.choice('maybe', ['x', 'y'])).toBe('x');
    expect(root.choice('missing', ['x'])).toBeUndefined();
    expect(codeOf(() => root.choice('maybe', ['X']))).toBe('MalformedXML');
  });

  it('refuses repeated and structured children where one text is wanted', () => {
    expect(codeOf(() => root.child('k'))).toBe('MalformedXML');
    expect(codeOf(() => root.text('e'))).toBe('MalformedXML');
    expect(codeOf(() => root.requiredText('missing'))).toBe('MalformedXML');
    expect(codeOf(() => root.requiredChild('missing'))).toBe('MalformedXML');
  });

  it('refuses what a schema does not name', () => {
    expect(codeOf(() => parse('<R><a/><b/></R>').allowOnly('a'))).toBe('MalformedXML');
    expect(codeOf(() => parse('<R>text<a/></R>').allowOnly('a'))).toBe('MalformedXML');
    expect(codeOf(() => parse('<R> <a/>\n</R>').allowOnly('a', 'b'))).toBe('accepted');
  });
});
