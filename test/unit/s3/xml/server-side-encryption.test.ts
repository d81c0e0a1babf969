import { describe, expect, it } from 'vitest';
import type { BucketEncryption } from '../../../../src/s3/bucket-encryption.js';
import { S3Error } from '../../../../src/s3/errors.js';
import {
  parseServerSideEncryptionConfiguration,
  serverSideEncryptionConfiguration,
} from '../../../../src/s3/xml/documents.js';

const document = (rules: string): string =>
  `<ServerSideEncryptionConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${rules}</ServerSideEncryptionConfiguration>`;
const byDefault = (content: string): string =>
  document(`<Rule><ApplyServerSideEncryptionByDefault>${content}</ApplyServerSideEncryptionByDefault></Rule>`);

function codeOf(xml: string): string {
  try {
    parseServerSideEncryptionConfiguration(xml);
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
  return 'none';
}

describe('ServerSideEncryptionConfiguration', () => {
  const nothing: BucketEncryption = { byDefault: null, bucketKeyEnabled: null, blocked: null };

  it('is read', () => {
    expect(parseServerSideEncryptionConfiguration(byDefault('<SSEAlgorithm>AES256</SSEAlgorithm>'))).toEqual({
      ...nothing,
      byDefault: { algorithm: 'AES256' },
    });
    expect(
      parseServerSideEncryptionConfiguration(
        document(
          '<Rule><ApplyServerSideEncryptionByDefault><KMSMasterKeyID>alias/x</KMSMasterKeyID><SSEAlgorithm>aws:kms</SSEAlgorithm>' +
            '</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled>' +
            '<BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule>',
        ),
      ),
    ).toEqual({ byDefault: { algorithm: 'aws:kms', keyId: 'alias/x' }, bucketKeyEnabled: true, blocked: ['SSE-C'] });
    expect(parseServerSideEncryptionConfiguration(byDefault('<SSEAlgorithm>aws:kms</SSEAlgorithm>')).byDefault).toEqual(
      {
        algorithm: 'aws:kms',
        keyId: null,
      },
    );
  });

  it.each<BucketEncryption>([
    { ...nothing, byDefault: { algorithm: 'AES256' }, bucketKeyEnabled: false },
    {
      byDefault: { algorithm: 'aws:kms', keyId: 'arn:aws:kms:r:t:key/<&>' },
      bucketKeyEnabled: true,
      blocked: ['NONE'],
    },
    { ...nothing, bucketKeyEnabled: true },
  ])('is written so that it reads the same: %o', (encryption) => {
    expect(parseServerSideEncryptionConfiguration(serverSideEncryptionConfiguration(encryption))).toEqual(encryption);
  });

  it('says that there is no bucket key where nothing was said', () => {
    expect(serverSideEncryptionConfiguration(nothing)).toContain('<BucketKeyEnabled>false</BucketKeyEnabled>');
  });

  it.each([
    ['no rule', document(''), 'MalformedXML'],
    ['two rules', document('<Rule/><Rule/>'), 'MalformedXML'],
    ['no algorithm', byDefault(''), 'MalformedXML'],
    ['an unknown algorithm', byDefault('<SSEAlgorithm>AES128</SSEAlgorithm>'), 'MalformedXML'],
    ['two layers', byDefault('<SSEAlgorithm>aws:kms:dsse</SSEAlgorithm>'), 'NotImplemented'],
    [
      'a key with AES256',
      byDefault('<SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>'),
      'InvalidArgument',
    ],
    [
      'an unknown kind to block',
      document('<Rule><BlockedEncryptionTypes><EncryptionType>SSE-S3</EncryptionType></BlockedEncryptionTypes></Rule>'),
      'MalformedXML',
    ],
    ['another document', '<CORSConfiguration/>', 'MalformedXML'],
  ])('is refused with %s', (_name, xml, code) => {
    expect(codeOf(xml)).toBe(code);
  });
});
