/** What a user may do: managed policies attached to the user, and policies of the user's own. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import {
  attachPolicy,
  deleteInline,
  detachPolicy,
  getInline,
  listAttached,
  listInline,
  listPolicies,
  putInline,
} from '../api/iam.js';
import { useAction, useApp, useLoad } from '../context.js';
import { jsonFault } from '../lib/json.js';
import { Button, Load, Problem } from '../parts/basics.js';
import { Dialog } from '../parts/dialog.js';
import { SelectField, TextField } from '../parts/fields.js';
import { JsonEditor } from '../parts/json-editor.js';

export function Permissions({ user }: { readonly user: string }): JSX.Element {
  const { client, notify } = useApp();
  const loaded = useLoad(`permissions ${user}`, async (asked) => ({
    attached: await listAttached(asked, user),
    inline: await listInline(asked, user),
    policies: await listPolicies(asked),
  }));
  const [chosen, setChosen] = useState('');
  const [editing, setEditing] = useState<string | null>(null);
  const doing = useAction();
  const change = async (work: () => Promise<void>, said: string): Promise<void> => {
    if (!(await doing.run(work))) return;
    notify(said);
    setChosen('');
    loaded.reload();
  };
  return (
    <section class="card pad" aria-label="Permissions">
      <div class="section-head">
        <h2>Permissions</h2>
        <Button icon="plus" onClick={() => setEditing('')}>
          Write a policy
        </Button>
      </div>
      <Problem error={doing.error} />
      <Load from={loaded} what="permissions">
        {({ attached, inline, policies }) => (
          <>
            {attached.length + inline.length === 0 ? (
              <p class="faint">Nothing is allowed yet. Attach a policy, or write one.</p>
            ) : null}
            <ul class="rows">
              {attached.map(({ name, arn }) => (
                <li key={arn}>
                  <div class="grow">
                    <strong>{name}</strong>
                    <p class="faint small breakable">{arn}</p>
                  </div>
                  <Button onClick={() => void change(() => detachPolicy(client, user, arn), `${name} is detached`)}>
                    Detach
                  </Button>
                </li>
              ))}
              {inline.map((name) => (
                <li key={name}>
                  <div class="grow">
                    <strong>{name}</strong>
                    <p class="faint small">of this user alone</p>
                  </div>
                  <Button onClick={() => setEditing(name)}>Edit</Button>
                  <Button
                    icon="trash"
                    kind="ghost"
                    label={`Delete policy ${name}`}
                    onClick={() => void change(() => deleteInline(client, user, name), `${name} is deleted`)}
                  />
                </li>
              ))}
            </ul>
            <form
              class="inline"
              onSubmit={(event) => {
                event.preventDefault();
                void change(() => attachPolicy(client, user, chosen), 'The policy is attached');
              }}
            >
              <SelectField
                label="Attach policy"
                value={chosen}
                onChange={setChosen}
                options={[
                  ['', 'Choose …'] as const,
                  ...policies
                    .filter(({ arn }) => !attached.some((one) => one.arn === arn))
                    .map(({ name, arn }) => [arn, name] as const),
                ]}
              />
              <Button type="submit" busy={doing.busy} disabled={chosen === ''}>
                Attach
              </Button>
            </form>
          </>
        )}
      </Load>
      {editing === null ? null : (
        <InlineEditor
          user={user}
          name={editing}
          onClose={() => setEditing(null)}
          onSaved={() => {
            setEditing(null);
            notify('The policy is saved');
            loaded.reload();
          }}
        />
      )}
    </section>
  );
}

const EXAMPLE = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: ['s3:*'], Resource: ['arn:aws:s3:::BUCKET', 'arn:aws:s3:::BUCKET/*'] }],
};

function InlineEditor(props: {
  readonly user: string;
  /** '' for a new one */
  readonly name: string;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}): JSX.Element {
  const { user, name, onClose, onSaved } = props;
  const loaded = useLoad(`inline ${user} ${name}`, (client) =>
    name === '' ? Promise.resolve('') : getInline(client, user, name),
  );
  return (
    <Dialog title={name === '' ? 'New policy' : name} onClose={onClose} wide>
      <Load from={loaded} what="the policy">
        {(document) => <InlineForm user={user} name={name} document={document} onClose={onClose} onSaved={onSaved} />}
      </Load>
    </Dialog>
  );
}

function InlineForm(props: {
  readonly user: string;
  readonly name: string;
  readonly document: string;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}): JSX.Element {
  const { client } = useApp();
  const [name, setName] = useState(props.name === '' ? 'access' : props.name);
  const [text, setText] = useState(() =>
    props.document === '' ? JSON.stringify(EXAMPLE, null, 2) : JSON.stringify(JSON.parse(props.document), null, 2),
  );
  const doing = useAction();
  const save = async (): Promise<void> => {
    if (await doing.run(() => putInline(client, props.user, name, text))) props.onSaved();
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      {props.name === '' ? (
        <TextField label="Policy name" value={name} onChange={setName} required pattern="[\w+=,.@\-]{1,128}" />
      ) : null}
      <JsonEditor label="Policy" value={text} onChange={setText} />
      <Problem error={doing.error} />
      <footer>
        <Button onClick={props.onClose}>Cancel</Button>
        <Button kind="primary" type="submit" busy={doing.busy} disabled={jsonFault(text) !== null}>
          Save policy
        </Button>
      </footer>
    </form>
  );
}
