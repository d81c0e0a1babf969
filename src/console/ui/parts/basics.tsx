/** Buttons, messages and the other small parts that pages are made of. */
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useApp } from '../context.js';
import type { Loaded } from '../context.js';
import { explain } from '../lib/errors.js';
import { Icon } from './icons.js';
import type { IconName } from './icons.js';

interface ButtonProps {
  readonly children?: ComponentChildren;
  readonly icon?: IconName;
  /** for buttons that show an icon alone */
  readonly label?: string;
  readonly kind?: 'primary' | 'danger' | 'plain' | 'ghost';
  readonly type?: 'button' | 'submit';
  readonly busy?: boolean;
  readonly disabled?: boolean;
  readonly onClick?: () => void;
}

export function Button(props: ButtonProps): JSX.Element {
  const { children, icon, label, kind = 'plain', type = 'button', busy = false, disabled = false, onClick } = props;
  return (
    <button
      type={type}
      class={`button ${kind}${children === undefined ? ' square' : ''}`}
      disabled={disabled || busy}
      aria-busy={busy}
      {...(label === undefined ? {} : { 'aria-label': label, title: label })}
      {...(onClick === undefined ? {} : { onClick })}
    >
      {busy ? <span class="spinner" aria-hidden="true" /> : icon === undefined ? null : <Icon name={icon} />}
      {children === undefined ? null : <span>{children}</span>}
    </button>
  );
}

/** A failure with S3's code and what to do; nothing when there is none. */
export function Problem({
  error,
  retry,
}: {
  readonly error: unknown;
  readonly retry?: () => void;
}): JSX.Element | null {
  if (error === null || error === undefined) return null;
  const { code, message, advice, requestId } = explain(error);
  return (
    <div class="problem" role="alert">
      <Icon name="warning" size={20} />
      <div>
        <p class="what">{advice === '' ? message : advice}</p>
        <p class="small">
          <strong>{code}</strong> {advice === '' ? '' : message}
        </p>
        {requestId === '' ? null : <p class="small faint">Request {requestId}</p>}
        {retry === undefined ? null : (
          <Button icon="refresh" onClick={retry}>
            Try again
          </Button>
        )}
      </div>
    </div>
  );
}

export function Loading({ what }: { readonly what: string }): JSX.Element {
  return (
    <p class="loading" role="status">
      <span class="spinner" aria-hidden="true" /> Loading {what} …
    </p>
  );
}

/** What was loaded, or that it is being loaded, or why it could not be. */
export function Load<T>(props: {
  readonly from: Loaded<T>;
  readonly what: string;
  readonly children: (data: T) => ComponentChildren;
}): JSX.Element {
  const { from, what, children } = props;
  if (from.data !== null) return <>{children(from.data)}</>;
  if (from.error !== null) return <Problem error={from.error} retry={from.reload} />;
  return <Loading what={what} />;
}

export function Empty(props: {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="empty">
      <Icon name={props.icon} size={40} />
      <h2>{props.title}</h2>
      {props.children}
    </div>
  );
}

export function Badge(props: {
  readonly kind?: 'good' | 'bad' | 'warn' | 'plain';
  readonly children: ComponentChildren;
}): JSX.Element {
  return <span class={`badge ${props.kind ?? 'plain'}`}>{props.children}</span>;
}

/** Text with a button that copies it. */
export function Copyable({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  const { notify } = useApp();
  const [id] = useState(() => `copy-${Math.random().toString(36).slice(2)}`);
  const copy = async (): Promise<void> => {
    const input = document.getElementById(id) as HTMLInputElement;
    input.select();
    // The clipboard's own interface is there in secure contexts only.
    const clipboard = navigator.clipboard as Clipboard | undefined;
    const done =
      clipboard === undefined ? copySelected() : await clipboard.writeText(text).then(() => true, copySelected);
    notify(done ? `${label} copied` : `Press Ctrl+C to copy`);
  };
  return (
    <div class="copyable">
      <label class="field">
        <span>{label}</span>
        <input id={id} class="mono" readOnly value={text} onFocus={(event) => event.currentTarget.select()} />
      </label>
      <Button icon="copy" label={`Copy ${label.toLowerCase()}`} onClick={() => void copy()} />
    </div>
  );
}

function copySelected(): boolean {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only way on plain HTTP
  return document.execCommand('copy');
}
