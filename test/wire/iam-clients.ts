// Clients of IAM and STS for the wire tests, and the users that they make.
import { randomBytes } from 'node:crypto';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  IAMServiceException,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { STSClient, STSServiceException } from '@aws-sdk/client-sts';
import type { Credentials as StsCredentials } from '@aws-sdk/client-sts';
import type { PithosProcess } from '../support/server.js';

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

type Server = Pick<PithosProcess, 'url'>;

function optionsOf(server: Server, { accessKeyId, secretAccessKey, sessionToken }: Keys) {
  return {
    endpoint: server.url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
  };
}

export function iamOf(server: Server, keys: Keys): IAMClient {
  return new IAMClient(optionsOf(server, keys));
}

export function stsOf(server: Server, keys: Keys): STSClient {
  return new STSClient(optionsOf(server, keys));
}

export function s3Of(server: Server, keys: Keys): S3Client {
  return new S3Client({ ...optionsOf(server, keys), forcePathStyle: true });
}

export function keysOf(credentials: StsCredentials | undefined): Keys {
  return {
    accessKeyId: credentials?.AccessKeyId ?? '',
    secretAccessKey: credentials?.SecretAccessKey ?? '',
    sessionToken: credentials?.SessionToken ?? '',
  };
}

export function unique(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}

export function allow(Action: string | string[], Resource: string | string[] = '*'): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource }] });
}

export function deny(Action: string | string[], Resource: string | string[] = '*'): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action, Resource }] });
}

export function trust(Principal: unknown, Action = 'sts:AssumeRole', Condition?: unknown): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal, Action, Condition }] });
}

export interface User {
  readonly name: string;
  readonly arn: string;
  readonly keys: Keys;
}

/** A user with a key and, if one is given, an inline policy. */
export async function makeUser(iam: IAMClient, policy?: string): Promise<User> {
  const UserName = unique('user');
  const { User: user } = await iam.send(new CreateUserCommand({ UserName }));
  if (policy !== undefined)
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'inline', PolicyDocument: policy }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return {
    name: UserName,
    arn: user?.Arn ?? '',
    keys: { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' },
  };
}

/** 'CODE STATUS' of the IAM or STS error that a call fails with. Anything else, success too, fails the test. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    const answer = await call;
    throw new Error(`expected an error, but the call succeeded: ${JSON.stringify(answer).slice(0, 500)}`);
  } catch (error) {
    if (!(error instanceof IAMServiceException) && !(error instanceof STSServiceException)) throw error;
    return `${error.name.replace(/Exception$/, '')} ${String(error.$metadata.httpStatusCode)}`;
  }
}
