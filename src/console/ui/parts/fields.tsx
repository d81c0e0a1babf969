/** Form fields: a label, a control, a hint that the control refers to. */
import type { ComponentChildren, JSX } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly hint?: ComponentChildren;
  readonly required?: boolean;
}

interface TextProps extends FieldProps {
  readonly type?: 'text' | 'password' | 'number' | 'date';
  readonly placeholder?: string;
  readonly pattern?: string;
  readonly min?: number;
  readonly maxLength?: number;
  readonly autoComplete?: string;
  readonly autoFocus?: boolean;
  readonly mono?: boolean;
}

export function TextField(props: TextProps): JSX.Element {
  const { label, value, onChange, hint, type = 'text', mono = false, required = false } = props;
  const id = useId();
  // Every kind of input has a type of its own; what is used here is common to all of them.
  const kind = type as 'text';
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type={kind}
        class={mono ? 'mono' : ''}
        value={value}
        required={required}
        spellcheck={false}
        autoCapitalize="off"
        autoComplete={props.autoComplete ?? 'off'}
        {...(props.autoFocus === true ? { autofocus: true } : {})}
        {...(props.placeholder === undefined ? {} : { placeholder: props.placeholder })}
        {...(props.pattern === undefined ? {} : { pattern: props.pattern })}
        {...(props.min === undefined ? {} : { min: props.min })}
        {...(props.maxLength === undefined ? {} : { maxLength: props.maxLength })}
        {...(hint === undefined ? {} : { 'aria-describedby': `${id}-hint` })}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      {hint === undefined ? null : (
        <small id={`${id}-hint`} class="hint">
          {hint}
        </small>
      )}
    </div>
  );
}

export function SelectField(
  props: FieldProps & { readonly options: readonly (readonly [value: string, text: string])[] },
): JSX.Element {
  const { label, value, onChange, options, hint } = props;
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        {...(hint === undefined ? {} : { 'aria-describedby': `${id}-hint` })}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {options.map(([name, text]) => (
          <option key={name} value={name} selected={name === value}>
            {text}
          </option>
        ))}
      </select>
      {hint === undefined ? null : (
        <small id={`${id}-hint`} class="hint">
          {hint}
        </small>
      )}
    </div>
  );
}

/** A switch. */
export function Toggle(props: {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly hint?: ComponentChildren;
  readonly disabled?: boolean;
}): JSX.Element {
  const { label, checked, onChange, hint, disabled = false } = props;
  const id = useId();
  return (
    <div class="toggle">
      <label>
        <input
          type="checkbox"
          role="switch"
          checked={checked}
          disabled={disabled}
          {...(hint === undefined ? {} : { 'aria-describedby': id })}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
        <span>{label}</span>
      </label>
      {hint === undefined ? null : (
        <small id={id} class="hint">
          {hint}
        </small>
      )}
    </div>
  );
}

/** Pairs of names and values, as tags and metadata are. */
export function PairsField(props: {
  readonly what: string;
  readonly pairs: readonly (readonly [string, string])[];
  readonly onChange: (pairs: readonly (readonly [string, string])[]) => void;
}): JSX.Element {
  const { what, pairs, onChange } = props;
  const change = (index: number, pair: readonly [string, string]): void =>
    onChange(pairs.map((old, at) => (at === index ? pair : old)));
  return (
    <fieldset class="pairs">
      <legend>{what}</legend>
      {pairs.length === 0 ? <p class="faint">None yet.</p> : null}
      {pairs.map(([name, value], index) => (
        <div class="pair" key={index}>
          <input
            aria-label={`Name of ${what.toLowerCase()} ${index + 1}`}
            placeholder="Name"
            value={name}
            onInput={(event) => change(index, [event.currentTarget.value, value])}
          />
          <input
            aria-label={`Value of ${what.toLowerCase()} ${index + 1}`}
            placeholder="Value"
            value={value}
            onInput={(event) => change(index, [name, event.currentTarget.value])}
          />
          <button
            type="button"
            class="button ghost square"
            aria-label={`Remove ${name === '' ? `number ${index + 1}` : name}`}
            onClick={() => onChange(pairs.filter((_, at) => at !== index))}
          >
            ✕
          </button>
        </div>
      ))}
      <button type="button" class="button plain" onClick={() => onChange([...pairs, ['', '']])}>
        Add
      </button>
    </fieldset>
  );
}
