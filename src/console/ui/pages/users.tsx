/** The users of the account. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { createUser, deleteUser, listUsers } from '../api/iam.js';
import { useAction, useApp, useLoad } from '../context.js';
import { formatCount, formatDate } from '../lib/format.js';
import { Button, Empty, Load, Problem } from '../parts/basics.js';
import { Confirm, Dialog } from '../parts/dialog.js';
import { TextField } from '../parts/fields.js';
import { Icon } from '../parts/icons.js';
import { go, linkTo } from '../router.js';

export function UsersPage(): JSX.Element {
  const { client, notify } = useApp();
  const loaded = useLoad('users', listUsers);
  const [creating, setCreating] = useState(false);
  const [doomed, setDoomed] = useState<string | null>(null);
  return (
    <>
      <header class="page-head">
        <div>
          <h1>Users & keys</h1>
          <p class="faint">{loaded.data === null ? ' ' : formatCount(loaded.data.length, 'user')}</p>
        </div>
        <div class="actions">
          <Button icon="refresh" label="Refresh" onClick={loaded.reload} />
          <Button icon="plus" kind="primary" onClick={() => setCreating(true)}>
            Create user
          </Button>
        </div>
      </header>
      <Load from={loaded} what="users">
        {(users) =>
          users.length === 0 ? (
            <Empty icon="users" title="No users yet">
              <p>Give every person and program a user, with keys and permissions of their own.</p>
            </Empty>
          ) : (
            <div class="card table-card">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col" class="optional">
                      Created
                    </th>
                    <th scope="col">
                      <span class="unseen">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {users.map(({ name, created }) => (
                    <tr key={name}>
                      <td>
                        <a class="name" href={linkTo({ page: 'users', user: name })}>
                          <Icon name="users" /> <span>{name}</span>
                        </a>
                      </td>
                      <td class="optional">{formatDate(created)}</td>
                      <td class="row-actions">
                        <Button icon="trash" kind="ghost" label={`Delete ${name}`} onClick={() => setDoomed(name)} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Load>
      {creating ? <CreateUser onClose={() => setCreating(false)} /> : null}
      {doomed === null ? null : (
        <Confirm
          title="Delete user"
          action="Delete user"
          typed={doomed}
          onClose={() => setDoomed(null)}
          onConfirm={async () => {
            await deleteUser(client, doomed);
            notify(`${doomed} is deleted`);
            loaded.reload();
          }}
        >
          <p>
            <strong>{doomed}</strong> is deleted, with all access keys and policies. Whoever uses the keys is locked
            out.
          </p>
        </Confirm>
      )}
    </>
  );
}

function CreateUser({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const { client, notify } = useApp();
  const [name, setName] = useState('');
  const doing = useAction();
  const create = async (): Promise<void> => {
    if (!(await doing.run(() => createUser(client, name)))) return;
    notify(`${name} is created`);
    onClose();
    go({ page: 'users', user: name });
  };
  return (
    <Dialog title="Create user" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void create();
        }}
      >
        <TextField
          label="Name"
          value={name}
          onChange={setName}
          required
          autoFocus
          pattern="[\w+=,.@\-]{1,64}"
          maxLength={64}
          hint="Letters, digits and + = , . @ _ -"
        />
        <Problem error={doing.error} />
        <footer>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={doing.busy}>
            Create
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
