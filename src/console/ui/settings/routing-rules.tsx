/** Where visitors of a website are sent to, and when. */
import type { JSX } from 'preact';
import type { RoutingRule } from '../api/website.js';
import { Button } from '../parts/basics.js';
import { SelectField, TextField } from '../parts/fields.js';
import { RemoveButton } from './basic.js';

export const PROTOCOLS = [
  ['', 'the visitor’s'],
  ['https', 'https'],
  ['http', 'http'],
] as const;

const REPLACES = [
  ['', 'stays as it is'],
  ['prefix', 'begins otherwise'],
  ['key', 'is another one'],
] as const;

const NEW: RoutingRule = {
  prefix: '',
  errorCode: '',
  protocol: '',
  host: '',
  replace: 'prefix',
  replacement: '',
  redirectCode: '',
};

export function RoutingRules(props: {
  readonly rules: readonly RoutingRule[];
  readonly onChange: (rules: readonly RoutingRule[]) => void;
}): JSX.Element {
  const { rules, onChange } = props;
  return (
    <>
      <p class="hint">Rules send visitors elsewhere. The first one whose conditions hold counts.</p>
      {rules.map((rule, index) => (
        <RuleFields
          key={index}
          number={index + 1}
          rule={rule}
          onChange={(part) => onChange(rules.map((old, at) => (at === index ? { ...old, ...part } : old)))}
          onRemove={() => onChange(rules.filter((_, at) => at !== index))}
        />
      ))}
      <Button icon="plus" onClick={() => onChange([...rules, NEW])}>
        Add rule
      </Button>
    </>
  );
}

function RuleFields(props: {
  readonly number: number;
  readonly rule: RoutingRule;
  readonly onChange: (part: Partial<RoutingRule>) => void;
  readonly onRemove: () => void;
}): JSX.Element {
  const { number, rule, onChange, onRemove } = props;
  return (
    <fieldset class="rule">
      <legend>Rule {number}</legend>
      <div class="rule-head">
        <span class="faint grow">{summaryOf(rule)}</span>
        <RemoveButton what={`rule ${number}`} onClick={onRemove} />
      </div>
      <div class="grid">
        <TextField
          label="Paths that begin with"
          placeholder="all"
          value={rule.prefix}
          onChange={(prefix) => onChange({ prefix })}
        />
        <TextField
          label="Only on the error"
          placeholder="any answer"
          pattern="[45][0-9][0-9]"
          value={rule.errorCode}
          onChange={(errorCode) => onChange({ errorCode })}
          hint="A status such as 404."
        />
        <SelectField
          label="To the protocol"
          value={rule.protocol}
          onChange={(protocol) => onChange({ protocol })}
          options={PROTOCOLS}
        />
        <TextField
          label="To the host"
          placeholder="this one"
          value={rule.host}
          onChange={(host) => onChange({ host })}
        />
        <SelectField
          label="The path"
          value={rule.replace}
          onChange={(replace) => onChange({ replace: replace as RoutingRule['replace'], replacement: '' })}
          options={REPLACES}
        />
        {rule.replace === '' ? null : (
          <TextField
            label={rule.replace === 'key' ? 'New path' : 'New beginning'}
            value={rule.replacement}
            onChange={(replacement) => onChange({ replacement })}
            required={rule.replace === 'key'}
          />
        )}
        <TextField
          label="Redirect with status"
          placeholder="301"
          pattern="3[0-9][0-9]"
          value={rule.redirectCode}
          onChange={(redirectCode) => onChange({ redirectCode })}
        />
      </div>
    </fieldset>
  );
}

function summaryOf({ prefix, errorCode, host, replace, replacement }: RoutingRule): string {
  const from = `${prefix === '' ? 'every path' : `/${prefix}…`}${errorCode === '' ? '' : ` with status ${errorCode}`}`;
  const path = replace === '' ? `/${prefix}…` : `/${replacement}${replace === 'prefix' ? '…' : ''}`;
  return `sends ${from} to ${host}${path}`;
}
