/** One user: keys, and what they permit. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { createKey, deleteKey, keyLastUsed, listKeys, setKeyActive } from '../api/iam.js';
import type { NewKey } from '../api/iam.js';
import { useAction, useApp, useLoad } from '../context.js';
import { formatDate } from '../lib/format.js';
import { Badge, Button, Copyable, Load, Problem } from '../parts/basics.js';
import { Confirm, Dialog } from '../parts/dialog.js';
import { linkTo } from '../router.js';
import { Permissions } from './permissions.js';

export function UserPage({ user }: { readonly user: string }): JSX.Element {
  return (
    <>
      <header class="page-head">
        <nav aria-label="Users" class="crumbs">
          <ol>
            <li>
              <a href={linkTo({ page: 'users', user: null })}>Users & keys</a>
            </li>
            <li>
              <h1>{user}</h1>
            </li>
          </ol>
        </nav>
      </header>
      <div class="stack">
        <Keys user={user} />
        <Permissions user={user} />
      </div>
    </>
  );
}

function Keys({ user }: { readonly user: string }): JSX.Element {
  const { client, notify } = useApp();
  const loaded = useLoad(`keys ${user}`, async (asked) => {
    const keys = await listKeys(asked, user);
    return Promise.all(keys.map(async (key) => ({ ...key, used: await keyLastUsed(asked, key.id).catch(() => '') })));
  });
  const [made, setMade] = useState<NewKey | null>(null);
  const [doomed, setDoomed] = useState<string | null>(null);
  const doing = useAction();
  const create = async (): Promise<void> => {
    await doing.run(async () => setMade(await createKey(client, user)));
    loaded.reload();
  };
  const toggle = async (id: string, active: boolean): Promise<void> => {
    if (!(await doing.run(() => setKeyActive(client, user, id, active)))) return;
    notify(active ? 'The key works again' : 'The key is switched off');
    loaded.reload();
  };
  return (
    <section class="card pad" aria-label="Access keys">
      <div class="section-head">
        <h2>Access keys</h2>
        <Button icon="key" kind="primary" busy={doing.busy} onClick={() => void create()}>
          Create key
        </Button>
      </div>
      <Problem error={doing.error} />
      <Load from={loaded} what="keys">
        {(keys) =>
          keys.length === 0 ? (
            <p class="faint">No keys yet. A user may have two, so that one can be replaced without a pause.</p>
          ) : (
            <ul class="rows">
              {keys.map(({ id, active, created, used }) => (
                <li key={id}>
                  <div class="grow">
                    <code>{id}</code> <Badge kind={active ? 'good' : 'warn'}>{active ? 'active' : 'off'}</Badge>
                    <p class="faint small">
                      Created {formatDate(created)} · {used === '' ? 'never used' : `last used ${formatDate(used)}`}
                    </p>
                  </div>
                  <Button onClick={() => void toggle(id, !active)}>{active ? 'Deactivate' : 'Activate'}</Button>
                  <Button icon="trash" kind="ghost" label={`Delete key ${id}`} onClick={() => setDoomed(id)} />
                </li>
              ))}
            </ul>
          )
        }
      </Load>
      {made === null ? null : (
        <Dialog title="New access key" onClose={() => setMade(null)}>
          <p class="callout">The secret key is shown this once. Copy it now and keep it in a safe place.</p>
          <Copyable label="Access key" text={made.id} />
          <Copyable label="Secret key" text={made.secret} />
          <footer>
            <Button kind="primary" onClick={() => setMade(null)}>
              I have copied both
            </Button>
          </footer>
        </Dialog>
      )}
      {doomed === null ? null : (
        <Confirm
          title="Delete access key"
          action="Delete key"
          onClose={() => setDoomed(null)}
          onConfirm={async () => {
            await deleteKey(client, user, doomed);
            notify('The key is deleted');
            loaded.reload();
          }}
        >
          <p>
            <code>{doomed}</code> stops working at once, and share links that were made with it too. This cannot be
            undone.
          </p>
        </Confirm>
      )}
    </section>
  );
}
