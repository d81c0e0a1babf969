/** The users of the account. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { createUser, deleteUser, listUsers } from '../api/iam.js';
import { useApp, useLoad } from '../context.js';
import { formatCount, formatDate } from '../lib/format.js';
import { Button, Empty, Load } from '../parts/basics.js';
import { FormDialog } from '../parts/dialog.js';
import { TextField } from '../parts/fields.js';
import { NameTable } from '../parts/name-table.js';
import { go, linkTo } from '../router.js';

export function UsersPage(): JSX.Element {
  const { client } = useApp();
  const loaded = useLoad('users', listUsers);
  const [creating, setCreating] = useState(false);
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
            <NameTable
              what="user"
              icon="users"
              columns={['Created']}
              rows={users.map(({ name, created }) => ({
                name,
                href: linkTo({ page: 'users', user: name }),
                cells: [formatDate(created)],
              }))}
              warning={(name) => (
                <>
                  <strong>{name}</strong> is deleted, with all access keys and policies. Whoever uses the keys is locked
                  out.
                </>
              )}
              remove={(name) => deleteUser(client, name)}
              onRemoved={loaded.reload}
            />
          )
        }
      </Load>
      {creating ? <CreateUser onClose={() => setCreating(false)} /> : null}
    </>
  );
}

function CreateUser({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const { client, notify } = useApp();
  const [name, setName] = useState('');
  const create = async (): Promise<void> => {
    await createUser(client, name);
    notify(`${name} is created`);
    go({ page: 'users', user: name });
  };
  return (
    <FormDialog title="Create user" action="Create" onSubmit={create} onClose={onClose}>
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
    </FormDialog>
  );
}
