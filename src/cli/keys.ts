/**
 * keys: access keys of tenants and their users. Those of the configuration are listed; others are made and taken away in the identity
 * service, as `aws iam` does, by who runs the server.
 */
import { NO_PEERS } from '../cluster/peers.js';
import { IamError } from '../iam/iam-errors.js';
import { openIam } from '../iam/iam-setup.js';
import { configKeyStore } from '../iam/key-store.js';
import type { QueryApi } from '../iam/query-api.js';
import { CliUsageError, EXIT, textOption } from './context.js';
import type { CliContext, ExitCode } from './context.js';

const FORMAT = 'pithos-keys/1';

interface Key {
  readonly accessKey: string;
  readonly tenant: string;
  /** null: the tenant's root */
  readonly user: string | null;
  readonly status: 'Active' | 'Inactive';
  readonly source: 'configuration' | 'iam';
  readonly master: boolean;
}

export async function keys(context: CliContext): Promise<ExitCode> {
  const { config, options, output } = context;
  const { stores, masterKeys } = await context.stores();
  const { queryApi } = openIam({
    store: stores.iam,
    configured: configKeyStore(config.keystore.keys),
    masterKeys: masterKeys.map(({ key }) => key),
    master: { access: config.options.masterkeyAccess, masquerade: config.options.masterkeyProvisioning },
    maxSkewMs: config.options.maxSkewMs,
    now: Date.now,
    log: context.logs.main,
    // Gateways look for changes of an account by themselves, every second or so.
    peers: NO_PEERS,
  });
  const json = options['json'] === true;
  try {
    if (context.verb === 'list') return await list(context, queryApi);
    const tenant = textOption(options, 'tenant');
    if (tenant === null) throw new CliUsageError('whose key? --tenant says so, and --user whose of it');
    const user = textOption(options, 'user');
    if (context.verb === 'create') {
      const made = await create(queryApi, { tenant, user, signal: context.signal });
      if (json) await output.line(JSON.stringify({ format: FORMAT, key: made }));
      else
        await output.line(
          `access key: ${made.accessKey}\nsecret: ${made.secret}\nThe secret is shown this once and never again.`,
        );
      return EXIT.clean;
    }
    await change(context, queryApi, { tenant, user });
    if (json) await output.line(JSON.stringify({ format: FORMAT, done: context.verb }));
    else await output.line('done');
    return EXIT.clean;
  } catch (error) {
    if (error instanceof IamError) throw new CliUsageError(error.message);
    throw error;
  }
}

interface Whose {
  readonly tenant: string;
  readonly user: string | null;
}

async function create(
  queryApi: QueryApi,
  { tenant, user, signal }: Whose & { readonly signal: AbortSignal },
): Promise<Pick<Key, 'accessKey' | 'tenant' | 'user'> & { readonly secret: string }> {
  const act = (fields: Readonly<Record<string, string>>) => queryApi.actAsRoot(tenant, fields, signal);
  if (user !== null) {
    try {
      await act({ Action: 'CreateUser', UserName: user });
    } catch (error) {
      if (!(error instanceof IamError && error.code === 'EntityAlreadyExists')) throw error;
    }
  }
  const xml = (await act({ Action: 'CreateAccessKey', ...(user !== null && { UserName: user }) })) ?? '';
  return { accessKey: valueOf(xml, 'AccessKeyId'), secret: valueOf(xml, 'SecretAccessKey'), tenant, user };
}

async function change({ verb, options, signal }: CliContext, queryApi: QueryApi, whose: Whose): Promise<void> {
  const accessKey = textOption(options, 'key');
  if (accessKey === null) throw new CliUsageError('which key? --key says so');
  const fields = { AccessKeyId: accessKey, ...(whose.user !== null && { UserName: whose.user }) };
  const action =
    verb === 'remove'
      ? { Action: 'DeleteAccessKey' }
      : { Action: 'UpdateAccessKey', Status: verb === 'enable' ? 'Active' : 'Inactive' };
  await queryApi.actAsRoot(whose.tenant, { ...action, ...fields }, signal);
}

async function list({ config, options, output, signal }: CliContext, queryApi: QueryApi): Promise<ExitCode> {
  const wanted = textOption(options, 'tenant');
  const configured = Object.entries(config.keystore.keys).map(([accessKey, { tenant, master }]): Key => ({
    accessKey,
    tenant,
    user: null,
    status: 'Active',
    source: 'configuration',
    master,
  }));
  const tenants = new Set(wanted === null ? configured.map(({ tenant }) => tenant) : [wanted]);
  const found = configured.filter(({ tenant }) => tenants.has(tenant));
  for (const tenant of tenants) {
    found.push(...(await keysOf(queryApi, { tenant, user: null, signal })));
    for await (const user of usersOf(queryApi, { tenant, signal }))
      found.push(...(await keysOf(queryApi, { tenant, user, signal })));
  }
  if (options['json'] === true) {
    await output.line(JSON.stringify({ format: FORMAT, keys: found }));
    return EXIT.clean;
  }
  for (const { accessKey, tenant, user, status, source, master } of found) {
    const whose = user === null ? `root of ${tenant}` : `${user} of ${tenant}`;
    await output.line(`${accessKey}\t${whose}\t${status}\t${source}${master ? '\tmaster' : ''}`);
  }
  return EXIT.clean;
}

async function keysOf(
  queryApi: QueryApi,
  { tenant, user, signal }: Whose & { readonly signal: AbortSignal },
): Promise<Key[]> {
  const fields = { Action: 'ListAccessKeys', MaxItems: '1000', ...(user !== null && { UserName: user }) };
  const xml = (await queryApi.actAsRoot(tenant, fields, signal)) ?? '';
  return membersOf(xml).map((member) => ({
    accessKey: valueOf(member, 'AccessKeyId'),
    tenant,
    user,
    status: valueOf(member, 'Status') === 'Active' ? 'Active' : 'Inactive',
    source: 'iam',
    master: false,
  }));
}

async function* usersOf(
  queryApi: QueryApi,
  { tenant, signal }: { readonly tenant: string; readonly signal: AbortSignal },
): AsyncGenerator<string> {
  let marker = '';
  do {
    const fields = { Action: 'ListUsers', MaxItems: '1000', ...(marker !== '' && { Marker: marker }) };
    const xml = (await queryApi.actAsRoot(tenant, fields, signal)) ?? '';
    for (const member of membersOf(xml)) yield valueOf(member, 'UserName');
    marker = valueOf(xml, 'Marker');
  } while (marker !== '');
}

// The answers are the identity service's own, whose elements have no attributes and whose names are free of markup.
function membersOf(xml: string): string[] {
  return [...xml.matchAll(/<member>(.*?)<\/member>/gs)].map(([, member = '']) => member);
}

function valueOf(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '';
}
