/** Lifecycle rules. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { describeRule, getLifecycle, NEW_RULE, putLifecycle } from '../api/lifecycle.js';
import type { LifecycleRule } from '../api/lifecycle.js';
import { useLoad } from '../context.js';
import { Button, Load } from '../parts/basics.js';
import { TextField, Toggle } from '../parts/fields.js';
import type { SectionProps } from '../pages/settings.js';
import { RemoveButton } from './basic.js';
import { SettingsForm } from './form.js';

export function LifecycleSection({ bucket }: SectionProps): JSX.Element {
  const loaded = useLoad(`lifecycle ${bucket}`, (client) => getLifecycle(client, bucket));
  return (
    <Load from={loaded} what="the rules">
      {(rules) => <LifecycleForm bucket={bucket} rules={rules} />}
    </Load>
  );
}

function LifecycleForm(props: SectionProps & { readonly rules: readonly LifecycleRule[] }): JSX.Element {
  const [rules, setRules] = useState(props.rules);
  const change = (index: number, part: Partial<LifecycleRule>): void =>
    setRules(rules.map((rule, at) => (at === index ? { ...rule, ...part } : rule)));
  return (
    <SettingsForm saved="The rules are saved" save={(client) => putLifecycle(client, props.bucket, rules)}>
      <p class="hint">Rules delete or move objects by themselves when they have reached an age.</p>
      {rules.length === 0 ? <p class="faint">There are no rules.</p> : null}
      {rules.map((rule, index) => (
        <fieldset class="rule" key={index}>
          <legend>{rule.id === '' ? `Rule ${index + 1}` : rule.id}</legend>
          <div class="rule-head">
            <Toggle label="Active" checked={rule.enabled} onChange={(enabled) => change(index, { enabled })} />
            <p class="faint grow">{describeRule(rule)}</p>
            <RemoveButton what={`rule ${index + 1}`} onClick={() => setRules(rules.filter((_, at) => at !== index))} />
          </div>
          {rule.foreign === null ? <RuleFields rule={rule} onChange={(part) => change(index, part)} /> : null}
        </fieldset>
      ))}
      <Button icon="plus" onClick={() => setRules([...rules, NEW_RULE])}>
        Add rule
      </Button>
    </SettingsForm>
  );
}

function RuleFields(props: {
  readonly rule: LifecycleRule;
  readonly onChange: (part: Partial<LifecycleRule>) => void;
}): JSX.Element {
  const { rule, onChange } = props;
  const days = (label: string, name: 'expireDays' | 'noncurrentDays' | 'abortUploadDays' | 'transitionDays') => (
    <TextField
      label={label}
      type="number"
      min={1}
      placeholder="never"
      value={rule[name]}
      onChange={(value) => onChange({ [name]: value })}
    />
  );
  return (
    <>
      <div class="grid">
        <TextField label="Name" value={rule.id} onChange={(id) => onChange({ id })} maxLength={255} />
        <TextField
          label="Keys that begin with"
          placeholder="all"
          value={rule.prefix}
          onChange={(prefix) => onChange({ prefix })}
        />
        {days('Delete after (days)', 'expireDays')}
        {days('Old versions after (days)', 'noncurrentDays')}
        {days('Unfinished uploads after (days)', 'abortUploadDays')}
        {days('Move after (days)', 'transitionDays')}
        {rule.transitionDays === '' ? null : (
          <TextField
            label="To storage class"
            value={rule.transitionClass}
            required
            onChange={(transitionClass) => onChange({ transitionClass })}
          />
        )}
      </div>
      {rule.expireDays === '' ? (
        <Toggle
          label="Remove delete markers that have no versions left"
          checked={rule.expiredMarkers}
          onChange={(expiredMarkers) => onChange({ expiredMarkers })}
        />
      ) : null}
    </>
  );
}
