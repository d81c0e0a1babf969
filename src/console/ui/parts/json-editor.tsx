/** An editor for policy documents: says where JSON breaks off while it is typed; whether it is a policy, the server says. */
import type { JSX } from 'preact';
import { useId } from 'preact/hooks';
import { jsonFault } from '../lib/json.js';

export function JsonEditor(props: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}): JSX.Element {
  const { label, value, onChange } = props;
  const id = useId();
  const fault = value.trim() === '' ? null : jsonFault(value);
  return (
    <div class="json">
      <label class="field">
        <span>{label}</span>
        <textarea
          class="mono"
          rows={18}
          spellcheck={false}
          autoCapitalize="off"
          autoComplete="off"
          value={value}
          aria-invalid={fault !== null}
          aria-describedby={id}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      </label>
      <div class="json-foot">
        <p id={id} class={fault === null ? 'hint' : 'fault'} role="status">
          {fault === null
            ? value.trim() === ''
              ? 'Empty'
              : 'JSON is well-formed'
            : `Line ${fault.line}, column ${fault.column}: ${fault.message}`}
        </p>
        <button
          type="button"
          class="link"
          disabled={fault !== null || value.trim() === ''}
          onClick={() => onChange(JSON.stringify(JSON.parse(value), null, 2))}
        >
          Format
        </button>
      </div>
    </div>
  );
}
