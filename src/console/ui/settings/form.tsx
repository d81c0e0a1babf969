/** A form of settings: what is in it, and a button that saves it, with what goes wrong in between. */
import type { ComponentChildren, JSX } from 'preact';
import type { Client } from '../api/client.js';
import { useAction, useApp } from '../context.js';
import { Button, Problem } from '../parts/basics.js';

export function SettingsForm(props: {
  readonly saved: string;
  readonly save: (client: Client) => Promise<void>;
  readonly button?: string;
  readonly disabled?: boolean;
  readonly extra?: ComponentChildren;
  readonly children: ComponentChildren;
}): JSX.Element {
  const { client, notify } = useApp();
  const doing = useAction();
  const save = async (): Promise<void> => {
    if (await doing.run(() => props.save(client))) notify(props.saved);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      {props.children}
      <Problem error={doing.error} />
      <footer>
        {props.extra}
        <Button kind="primary" type="submit" busy={doing.busy} disabled={props.disabled === true}>
          {props.button ?? 'Save'}
        </Button>
      </footer>
    </form>
  );
}
