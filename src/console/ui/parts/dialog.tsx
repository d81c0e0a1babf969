/** Dialogs on the browser's own element: it keeps the focus inside and closes on Escape. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { useAction } from '../context.js';
import { Button, Problem } from './basics.js';

export function Dialog(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly wide?: boolean;
  /** at the side, over the whole height */
  readonly drawer?: boolean;
  readonly children: ComponentChildren;
}): JSX.Element {
  const { title, onClose, wide = false, drawer = false, children } = props;
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Where the focus goes back to: the browser forgets it when the element is taken away.
  const [opener] = useState(() => document.activeElement);
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => {
      dialog?.close();
      setTimeout(() => {
        if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
      });
    };
  }, [opener]);
  return (
    <dialog
      ref={ref}
      class={`dialog${wide ? ' wide' : ''}${drawer ? ' drawer' : ''}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => {
        // The backdrop is the dialog itself; what is in it is its child.
        if (event.target === ref.current) onClose();
      }}
    >
      <div class="dialog-body">
        <header>
          <h2 id={id}>{title}</h2>
          <Button icon="close" label="Close" kind="ghost" onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** A dialog with a form in it: fields, what went wrong with them, and the button that does it. */
export function FormDialog(props: {
  readonly title: string;
  readonly action: string;
  readonly kind?: 'primary' | 'danger';
  /** the form cannot be sent yet */
  readonly disabled?: boolean;
  /** The dialog stays open when it fails. */
  readonly onSubmit: () => Promise<void>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}): JSX.Element {
  const { title, action, kind = 'primary', disabled = false, onSubmit, onClose, children } = props;
  const doing = useAction();
  const submit = async (): Promise<void> => {
    if (await doing.run(onSubmit)) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {children}
        <Problem error={doing.error} />
        <footer>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind={kind} type="submit" busy={doing.busy} disabled={disabled}>
            {action}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

/** Asks before something is done that cannot be undone. `typed`: what has to be written to confirm it. */
export function Confirm(props: {
  readonly title: string;
  readonly action: string;
  readonly typed?: string;
  readonly onConfirm: () => Promise<void>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}): JSX.Element {
  const { title, action, typed, onConfirm, onClose, children } = props;
  const [text, setText] = useState('');
  const disabled = typed !== undefined && text !== typed;
  return (
    <FormDialog {...{ title, action, disabled, onClose }} kind="danger" onSubmit={onConfirm}>
      {children}
      {typed === undefined ? null : (
        <label class="field">
          <span>
            Type <strong>{typed}</strong> to confirm
          </span>
          <input value={text} autoComplete="off" onInput={(event) => setText(event.currentTarget.value)} />
        </label>
      )}
    </FormDialog>
  );
}
