/** Access keys. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html and its neighbours */
import { element, optional, parent } from '../../s3/xml/build.js';
import type { IamContext } from '../iam-action.js';
import type { IamSealers } from '../iam-credentials.js';
import { IamError, noSuchEntity } from '../iam-errors.js';
import { newId, newSecret } from '../iam-names.js';
import { ACCESS_KEY_ID } from '../iam-params.js';
import type { AccountReader, KeyDocument, Transaction, UserDocument } from '../iam-store.js';
import { isoDate, members, pageEnd } from '../iam-xml.js';
import { userOrCaller } from './entities.js';
import { pageOfNames } from './listing.js';
import { accountOf, limitExceeded, QUOTAS } from './quotas.js';

/** The keys of a user, or of the root (user null). */
interface KeyRing {
  readonly user: UserDocument | null;
  readonly ids: readonly string[];
}

async function keysOf(context: IamContext, reader: AccountReader): Promise<KeyRing> {
  const found = await userOrCaller(context, reader);
  if (found !== null) return { user: found.entity, ids: found.entity.keys };
  return { user: null, ids: (await accountOf(reader)).rootKeys };
}

async function putKeys(transaction: Transaction, { user }: KeyRing, ids: readonly string[]): Promise<void> {
  if (user === null) transaction.put('account', 'account', { ...(await accountOf(transaction)), rootKeys: ids });
  else transaction.put('user', user.id, { ...user, keys: ids });
}

/** @throws IamError NotImplemented: there is no key to protect secrets with */
export function requireSealers({ services }: IamContext): IamSealers {
  if (services.sealers === null)
    throw new IamError(
      'NotImplemented',
      'Access keys and sessions need a master key, and this server has none (encryption.master-key).',
    );
  return services.sealers;
}

export async function createAccessKey(context: IamContext): Promise<string> {
  const { account, services, nowMs } = context;
  const sealers = requireSealers(context);
  const id = newId('AKIA');
  const secret = newSecret();
  await services.store.addKey(id, account);
  let owner: KeyRing;
  try {
    owner = await context.transact(async (transaction) => {
      const ring = await keysOf(context, transaction);
      if (ring.ids.length >= QUOTAS.keysPerUser) throw limitExceeded('AccessKeysPerUser', QUOTAS.keysPerUser);
      const key: KeyDocument = {
        user: ring.user?.id ?? null,
        secret: sealers.keys.seal(secret, id),
        active: true,
        createdAtMs: nowMs,
      };
      transaction.put('key', id, key);
      await putKeys(transaction, ring, [...ring.ids, id]);
      return ring;
    });
  } catch (error) {
    // Refused for certain: nothing refers to the row. After an unknown outcome something may.
    if (error instanceof IamError) await services.store.removeKey(id);
    throw error;
  }
  return parent(
    'AccessKey',
    optional('UserName', owner.user?.name) +
      element('AccessKeyId', id) +
      element('Status', 'Active') +
      element('SecretAccessKey', secret) +
      element('CreateDate', isoDate(nowMs)),
  );
}

export async function updateAccessKey(context: IamContext): Promise<null> {
  const id = context.params.text('AccessKeyId', ACCESS_KEY_ID);
  const status = context.params.choice('Status', ['Active', 'Inactive'] as const);
  if (status === null) throw new IamError('ValidationError', 'Status is required');
  await context.transact(async (transaction) => {
    requireKey(id, await keysOf(context, transaction));
    const key = await transaction.get('key', id);
    if (key === null) throw missing(id);
    transaction.put('key', id, { ...key, active: status === 'Active' });
  });
  return null;
}

export async function deleteAccessKey(context: IamContext): Promise<null> {
  const id = context.params.text('AccessKeyId', ACCESS_KEY_ID);
  await context.transact(async (transaction) => {
    const ring = await keysOf(context, transaction);
    requireKey(id, ring);
    transaction.remove('key', id);
    await putKeys(
      transaction,
      ring,
      ring.ids.filter((known) => known !== id),
    );
  });
  await context.services.store.removeKey(id);
  return null;
}

function requireKey(id: string, { ids }: KeyRing): void {
  if (!ids.includes(id)) throw missing(id);
}

function missing(id: string): IamError {
  return noSuchEntity(`The Access Key with id ${id}`);
}

export async function listAccessKeys(context: IamContext): Promise<string> {
  const { params, reader } = context;
  const page = params.page();
  const ring = await keysOf(context, reader);
  const { items, marker } = pageOfNames(ring.ids, page, (id) => id);
  const keys = await Promise.all(items.map(async (id) => ({ id, key: await reader.get('key', id) })));
  return (
    members(
      'AccessKeyMetadata',
      keys.flatMap(({ id, key }) =>
        key === null
          ? []
          : [
              optional('UserName', ring.user?.name) +
                element('AccessKeyId', id) +
                element('Status', key.active ? 'Active' : 'Inactive') +
                element('CreateDate', isoDate(key.createdAtMs)),
            ],
      ),
    ) + pageEnd(marker)
  );
}

/** Written down about once a minute by each gateway. */
export async function getAccessKeyLastUsed(context: IamContext): Promise<string> {
  const { params, account, reader, services } = context;
  const id = params.text('AccessKeyId', ACCESS_KEY_ID);
  const [row, key] = await Promise.all([services.store.findKey(id), reader.get('key', id)]);
  if (row?.account !== account || key === null) throw missing(id);
  const user = key.user === null ? null : await reader.get('user', key.user);
  const { lastUse } = row;
  return (
    optional('UserName', user?.name) +
    parent(
      'AccessKeyLastUsed',
      (lastUse === null ? '' : element('LastUsedDate', isoDate(lastUse.atMs))) +
        element('ServiceName', lastUse?.service ?? 'N/A') +
        element('Region', lastUse?.region ?? 'N/A'),
    )
  );
}
