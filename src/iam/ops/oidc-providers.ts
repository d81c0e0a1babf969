/** OpenID Connect providers. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html and its neighbours */
import { element } from '../../s3/xml/build.js';
import type { IamContext } from '../iam-action.js';
import { alreadyExists, IamError, invalid, noSuchEntity } from '../iam-errors.js';
import { oidcProviderArn, parseOidcProviderArn } from '../iam-names.js';
import { ARN } from '../iam-params.js';
import type { AccountReader, OidcDocument } from '../iam-store.js';
import { isoDate, members, tagMembers, textMembers } from '../iam-xml.js';
import { allOf } from './listing.js';
import { count, limitExceeded, QUOTAS } from './quotas.js';

const CLIENT_ID = { max: 255 };
const THUMBPRINT = { min: 40, max: 40 };
const URL_RULE = { max: 255 };

/** The name of a provider's document: its URL without the scheme. */
export function providerKey(url: string): string {
  return url.replace(/^[a-z]+:\/\//i, '');
}

/** https only, as on AWS: who can change the provider's answers can be anybody. @throws IamError ValidationError */
function checkedUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed?.protocol !== 'https:') throw invalid('Invalid Open ID Connect Provider URL: it must begin with https://');
  if (parsed.search !== '' || parsed.hash !== '' || parsed.username !== '' || parsed.password !== '')
    throw invalid('Invalid Open ID Connect Provider URL: no query, fragment or credentials are allowed');
  return url;
}

export async function createOpenIdConnectProvider(context: IamContext): Promise<string> {
  const { params, account, nowMs } = context;
  const provider: OidcDocument = {
    url: checkedUrl(params.text('Url', URL_RULE)),
    clientIds: [...new Set(params.list('ClientIDList', CLIENT_ID))],
    thumbprints: checkedThumbprints(context),
    createdAtMs: nowMs,
    tags: params.tags({ caseSensitive: true }),
  };
  if (provider.clientIds.length > QUOTAS.clientIdsPerProvider)
    throw limitExceeded('ClientIdsPerOpenIdConnectProvider', QUOTAS.clientIdsPerProvider);
  const key = providerKey(provider.url);
  await context.transact(async (transaction) => {
    if (await transaction.get('oidc', key)) throw alreadyExists(`Provider with url ${provider.url}`);
    await count(transaction, 'providers', 1);
    transaction.put('oidc', key, provider);
  });
  return (
    element('OpenIDConnectProviderArn', oidcProviderArn(account, key)) +
    (Object.keys(provider.tags).length > 0 ? tagMembers(provider.tags) : '')
  );
}

function checkedThumbprints({ params }: IamContext): readonly string[] {
  const thumbprints = params.list('ThumbprintList', THUMBPRINT);
  if (thumbprints.length > QUOTAS.thumbprintsPerProvider)
    throw invalid(`ThumbprintList has more than ${QUOTAS.thumbprintsPerProvider} members`);
  return thumbprints;
}

/** The provider that the request's ARN names. @throws IamError NoSuchEntity */
export async function requireProvider(
  context: IamContext,
  reader: AccountReader,
): Promise<{ readonly key: string; readonly provider: OidcDocument }> {
  const arn = context.params.text('OpenIDConnectProviderArn', ARN);
  const named = parseOidcProviderArn(arn);
  const provider = named?.account === context.account ? await reader.get('oidc', named.url) : null;
  if (named === null || provider === null) throw noSuchEntity(`OpenIDConnect Provider for arn ${arn}`);
  return { key: named.url, provider };
}

export async function getOpenIdConnectProvider(context: IamContext): Promise<string> {
  const { provider } = await requireProvider(context, context.reader);
  return (
    element('Url', providerKey(provider.url)) +
    textMembers('ClientIDList', provider.clientIds) +
    textMembers('ThumbprintList', provider.thumbprints) +
    element('CreateDate', isoDate(provider.createdAtMs)) +
    (Object.keys(provider.tags).length > 0 ? tagMembers(provider.tags) : '')
  );
}

export async function listOpenIdConnectProviders(context: IamContext): Promise<string> {
  const providers = await allOf(context.reader, 'oidc', '');
  return members(
    'OpenIDConnectProviderList',
    providers.map(({ name }) => element('Arn', oidcProviderArn(context.account, name))),
  );
}

export async function deleteOpenIdConnectProvider(context: IamContext): Promise<null> {
  await context.transact(async (transaction) => {
    const { key } = await requireProvider(context, transaction);
    await count(transaction, 'providers', -1);
    transaction.remove('oidc', key);
  });
  return null;
}

export async function addClientId(context: IamContext): Promise<null> {
  const clientId = context.params.text('ClientID', CLIENT_ID);
  await change(context, (provider) => {
    if (provider.clientIds.includes(clientId)) return provider;
    if (provider.clientIds.length >= QUOTAS.clientIdsPerProvider)
      throw limitExceeded('ClientIdsPerOpenIdConnectProvider', QUOTAS.clientIdsPerProvider);
    return { ...provider, clientIds: [...provider.clientIds, clientId] };
  });
  return null;
}

/** Removing one that is not there is no error, as on AWS. */
export async function removeClientId(context: IamContext): Promise<null> {
  const clientId = context.params.text('ClientID', CLIENT_ID);
  await change(context, (provider) => ({
    ...provider,
    clientIds: provider.clientIds.filter((known) => known !== clientId),
  }));
  return null;
}

export async function updateThumbprint(context: IamContext): Promise<null> {
  const thumbprints = checkedThumbprints(context);
  if (thumbprints.length === 0) throw new IamError('ValidationError', 'ThumbprintList must not be empty');
  await change(context, (provider) => ({ ...provider, thumbprints }));
  return null;
}

async function change(context: IamContext, changed: (provider: OidcDocument) => OidcDocument): Promise<void> {
  await context.transact(async (transaction) => {
    const { key, provider } = await requireProvider(context, transaction);
    transaction.put('oidc', key, changed(provider));
  });
}
