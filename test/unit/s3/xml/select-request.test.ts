import { describe, expect, it } from 'vitest';
import { parseSelectRequest } from '../../../../src/s3/xml/select-request.js';

function document(parts: { input?: string; output?: string; rest?: string; expression?: string } = {}): string {
  const { input = '<CSV/>', output = '<CSV/>', rest = '', expression = '<Expression>SELECT 1</Expression>' } = parts;
  return `<SelectObjectContentRequest xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${expression}
    <ExpressionType>SQL</ExpressionType>
    <InputSerialization>${input}</InputSerialization>
    <OutputSerialization>${output}</OutputSerialization>${rest}</SelectObjectContentRequest>`;
}

describe('SelectObjectContentRequest', () => {
  it('has defaults', () => {
    expect(parseSelectRequest(document())).toEqual({
      expression: 'SELECT 1',
      input: {
        kind: 'csv',
        fileHeaderInfo: 'NONE',
        recordDelimiter: '\n',
        fieldDelimiter: ',',
        quoteCharacter: '"',
        quoteEscapeCharacter: '"',
        comments: '#',
        allowQuotedRecordDelimiter: false,
      },
      compression: 'NONE',
      output: {
        kind: 'csv',
        quoteFields: 'ASNEEDED',
        recordDelimiter: '\n',
        fieldDelimiter: ',',
        quoteCharacter: '"',
        quoteEscapeCharacter: '"',
      },
      scanRange: null,
      progress: false,
    });
  });

  it('says everything itself', () => {
    const input = `<CompressionType>GZIP</CompressionType><CSV><FileHeaderInfo>Use</FileHeaderInfo>
      <RecordDelimiter>&#13;&#10;</RecordDelimiter><FieldDelimiter>&#9;</FieldDelimiter><QuoteCharacter>'</QuoteCharacter>
      <QuoteEscapeCharacter>\\</QuoteEscapeCharacter><Comments>;</Comments>
      <AllowQuotedRecordDelimiter>TRUE</AllowQuotedRecordDelimiter></CSV>`;
    const output = '<JSON><RecordDelimiter>;</RecordDelimiter></JSON>';
    const rest =
      '<RequestProgress><Enabled>true</Enabled></RequestProgress><ScanRange><Start>5</Start><End>9</End></ScanRange>';
    expect(parseSelectRequest(document({ input, output, rest }))).toMatchObject({
      input: {
        fileHeaderInfo: 'USE',
        recordDelimiter: '\r\n',
        fieldDelimiter: '\t',
        quoteCharacter: "'",
        quoteEscapeCharacter: '\\',
        comments: ';',
        allowQuotedRecordDelimiter: true,
      },
      compression: 'GZIP',
      output: { kind: 'json', recordDelimiter: ';' },
      scanRange: { start: 5, end: 9 },
      progress: true,
    });
  });

  it.each([
    ['<JSON><Type>LINES</Type></JSON>', { kind: 'json', type: 'LINES' }],
    ['<JSON><Type>Document</Type></JSON>', { kind: 'json', type: 'DOCUMENT' }],
    ['<Parquet/>', { kind: 'parquet' }],
  ])('reads %s', (input, result) => {
    expect(parseSelectRequest(document({ input })).input).toEqual(result);
  });

  it.each<[string, string]>([
    ['MissingRequiredParameter', document({ expression: '' })],
    ['MissingRequiredParameter', document({ expression: '<Expression> </Expression>' })],
    ['MissingRequiredParameter', document({ input: '' })],
    ['MissingRequiredParameter', document({ output: '' })],
    ['MissingRequiredParameter', document({ input: '<JSON/>' })],
    ['MissingRequiredParameter', '<SelectObjectContentRequest><Expression>x</Expression></SelectObjectContentRequest>'],
    ['InvalidExpressionType', document().replace('>SQL<', '>XPATH<')],
    ['InvalidDataSource', document({ input: '<XML/>' })],
    ['InvalidDataSource', document({ output: '<Parquet/>' })],
    ['ObjectSerializationConflict', document({ input: '<CSV/><JSON><Type>LINES</Type></JSON>' })],
    ['ObjectSerializationConflict', document({ output: '<CSV/><JSON/>' })],
    ['InvalidCompressionFormat', document({ input: '<CSV/><CompressionType>ZIP</CompressionType>' })],
    ['InvalidCompressionFormat', document({ input: '<Parquet/><CompressionType>GZIP</CompressionType>' })],
    ['InvalidFileHeaderInfo', document({ input: '<CSV><FileHeaderInfo>FIRST</FileHeaderInfo></CSV>' })],
    ['InvalidJsonType', document({ input: '<JSON><Type>TREE</Type></JSON>' })],
    ['InvalidQuoteFields', document({ output: '<CSV><QuoteFields>NEVER</QuoteFields></CSV>' })],
    ['InvalidRequestParameter', document({ input: '<CSV><FieldDelimiter>ab</FieldDelimiter></CSV>' })],
    ['InvalidRequestParameter', document({ input: '<CSV><FieldDelimiter>&#10;</FieldDelimiter></CSV>' })],
    ['MalformedXML', document({ rest: '<ScanRange><Start>-1</Start></ScanRange>' })],
    ['MalformedXML', document({ rest: '<Other/>' })],
    ['MalformedXML', '<SelectRequest/>'],
  ])('refuses as %s: %s', (code, body) => {
    expect(() => parseSelectRequest(body)).toThrow(expect.objectContaining({ code }) as Error);
  });
});
