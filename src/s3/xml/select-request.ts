/** The body of SelectObjectContent. https://docs.aws.amazon.com/AmazonS3/latest/API/API_SelectObjectContent.html */
import type {
  CompressionType,
  CsvInput,
  CsvOutput,
  ScanRange,
  SelectInput,
  SelectOutput,
  SelectRequest,
} from '../../select/types.js';
import { S3Error } from '../errors.js';
import type { S3ErrorCode } from '../errors.js';
import type { XmlNode } from './parse.js';
import { parseXml } from './parse.js';

/**
 * @throws S3Error MalformedXML, MissingRequiredParameter, InvalidExpressionType, InvalidDataSource, ObjectSerializationConflict,
 *   InvalidCompressionFormat, InvalidFileHeaderInfo, InvalidJsonType, InvalidQuoteFields, InvalidRequestParameter
 */
export function parseSelectRequest(body: Buffer | string, limits: { readonly maxBytes?: number } = {}): SelectRequest {
  const root = parseXml(body, { root: 'SelectObjectContentRequest', ...limits });
  root.allowOnly(
    'Expression',
    'ExpressionType',
    'RequestProgress',
    'InputSerialization',
    'OutputSerialization',
    'ScanRange',
  );
  const expression = required(root, 'Expression').ownText();
  if (expression.trim() === '') throw missing('Expression');
  word(root, 'ExpressionType', ['SQL'], 'InvalidExpressionType', required(root, 'ExpressionType').ownText());
  const inputNode = required(root, 'InputSerialization');
  const input = inputOf(inputNode);
  const compression = word<CompressionType>(
    inputNode,
    'CompressionType',
    ['NONE', 'GZIP', 'BZIP2'],
    'InvalidCompressionFormat',
  );
  if (input.kind === 'parquet' && compression !== 'NONE')
    throw new S3Error('InvalidCompressionFormat', {
      message: 'Parquet objects are compressed within, not as a whole: CompressionType must be NONE.',
    });
  return {
    expression,
    input,
    compression,
    output: outputOf(required(root, 'OutputSerialization')),
    scanRange: scanRangeOf(root.child('ScanRange')),
    progress: root.child('RequestProgress')?.boolean('Enabled') ?? false,
  };
}

function missing(name: string): S3Error {
  return new S3Error('MissingRequiredParameter', {
    message: `The SelectRequest entity is missing a required parameter: ${name}.`,
    detail: { ParameterName: name },
  });
}

function required(node: XmlNode, name: string): XmlNode {
  const child = node.child(name);
  if (child === undefined) throw missing(name);
  return child;
}

/** A child's word, in any case; the first of the words when there is none. */
function word<Word extends string>(
  node: XmlNode,
  name: string,
  words: readonly [Word, ...Word[]],
  code: S3ErrorCode,
  text = node.text(name),
): Word {
  const given = text?.trim().toUpperCase();
  if (given === undefined || given === '') return words[0];
  const found = words.find((candidate) => candidate === given);
  if (found === undefined) throw new S3Error(code, { detail: { ParameterName: name, ParameterValue: text ?? '' } });
  return found;
}

/** The one element that says the format. */
function formatOf(node: XmlNode, names: readonly string[]): XmlNode {
  const formats = node.elements.filter(({ name }) => name !== 'CompressionType');
  if (formats.some(({ name }) => !names.includes(name))) throw new S3Error('InvalidDataSource');
  const [format, second] = formats;
  if (second !== undefined) throw new S3Error('ObjectSerializationConflict');
  if (format === undefined) throw missing(`${node.name}: one of ${names.join(', ')}`);
  return format;
}

function inputOf(node: XmlNode): SelectInput {
  const format = formatOf(node, ['CSV', 'JSON', 'Parquet']);
  switch (format.name) {
    case 'CSV':
      return csvInput(format);
    case 'JSON':
      format.allowOnly('Type');
      if (format.child('Type') === undefined) throw missing('Type');
      return { kind: 'json', type: word(format, 'Type', ['DOCUMENT', 'LINES'], 'InvalidJsonType') };
    default:
      return { kind: 'parquet' };
  }
}

function csvInput(node: XmlNode): CsvInput {
  node.allowOnly(
    'FileHeaderInfo',
    'RecordDelimiter',
    'FieldDelimiter',
    'QuoteCharacter',
    'QuoteEscapeCharacter',
    'Comments',
    'AllowQuotedRecordDelimiter',
  );
  const quoteCharacter = characters(node, 'QuoteCharacter', '"', { empty: true });
  return {
    kind: 'csv',
    fileHeaderInfo: word(node, 'FileHeaderInfo', ['NONE', 'IGNORE', 'USE'], 'InvalidFileHeaderInfo'),
    ...delimiters(node),
    quoteCharacter,
    quoteEscapeCharacter: characters(node, 'QuoteEscapeCharacter', quoteCharacter, { empty: true }),
    comments: characters(node, 'Comments', '#', { empty: true }),
    allowQuotedRecordDelimiter: node.boolean('AllowQuotedRecordDelimiter') ?? false,
  };
}

function outputOf(node: XmlNode): SelectOutput {
  const format = formatOf(node, ['CSV', 'JSON']);
  if (format.name === 'JSON') {
    format.allowOnly('RecordDelimiter');
    return { kind: 'json', recordDelimiter: characters(format, 'RecordDelimiter', '\n', { most: 16 }) };
  }
  return csvOutput(format);
}

function csvOutput(node: XmlNode): CsvOutput {
  node.allowOnly('QuoteFields', 'RecordDelimiter', 'FieldDelimiter', 'QuoteCharacter', 'QuoteEscapeCharacter');
  const quoteCharacter = characters(node, 'QuoteCharacter', '"', { empty: true });
  const escape = characters(node, 'QuoteEscapeCharacter', quoteCharacter, { empty: true });
  return {
    kind: 'csv',
    quoteFields: word(node, 'QuoteFields', ['ASNEEDED', 'ALWAYS'], 'InvalidQuoteFields'),
    ...delimiters(node),
    quoteCharacter,
    quoteEscapeCharacter: escape === '' ? quoteCharacter : escape,
  };
}

function delimiters(node: XmlNode): { recordDelimiter: string; fieldDelimiter: string } {
  const recordDelimiter = characters(node, 'RecordDelimiter', '\n', { most: 2 });
  const fieldDelimiter = characters(node, 'FieldDelimiter', ',', {});
  if (recordDelimiter === fieldDelimiter)
    throw new S3Error('InvalidRequestParameter', { message: 'RecordDelimiter and FieldDelimiter must differ.' });
  return { recordDelimiter, fieldDelimiter };
}

/** @param options empty: an empty value stands for itself, else for the default; most: UTF-16 units (default 1) */
function characters(
  node: XmlNode,
  name: string,
  byDefault: string,
  { empty = false, most = 1 }: { readonly empty?: boolean; readonly most?: number },
): string {
  const text = node.text(name);
  if (text === undefined || (text === '' && !empty)) return byDefault;
  if (text.length > most)
    throw new S3Error('InvalidRequestParameter', {
      message: `${name} must be ${most === 1 ? 'a single character' : `at most ${most} characters`}.`,
      detail: { ParameterName: name, ParameterValue: text.slice(0, 100) },
    });
  return text;
}

function scanRangeOf(node: XmlNode | undefined): ScanRange | null {
  if (node === undefined) return null;
  node.allowOnly('Start', 'End');
  return { start: node.integer('Start') ?? null, end: node.integer('End') ?? null };
}
