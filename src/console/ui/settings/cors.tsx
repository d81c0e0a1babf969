/** Which web pages may read the bucket from a browser. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { getCors, putCors } from '../api/settings.js';
import type { CorsRule } from '../api/settings.js';
import { useLoad } from '../context.js';
import { Button, Load } from '../parts/basics.js';
import { TextField } from '../parts/fields.js';
import type { SectionProps } from '../pages/settings.js';
import { RemoveButton } from './basic.js';
import { SettingsForm } from './form.js';

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'];
const NEW: CorsRule = { origins: ['*'], methods: ['GET', 'HEAD'], headers: ['*'], exposed: [], maxAgeSeconds: '3600' };

export function CorsSection({ bucket }: SectionProps): JSX.Element {
  const loaded = useLoad(`cors ${bucket}`, (client) => getCors(client, bucket));
  return (
    <Load from={loaded} what="the rules">
      {(rules) => <CorsForm bucket={bucket} rules={rules} />}
    </Load>
  );
}

function CorsForm(props: SectionProps & { readonly rules: readonly CorsRule[] }): JSX.Element {
  const [rules, setRules] = useState(props.rules);
  const change = (index: number, part: Partial<CorsRule>): void =>
    setRules(rules.map((rule, at) => (at === index ? { ...rule, ...part } : rule)));
  return (
    <SettingsForm saved="The CORS rules are saved" save={(client) => putCors(client, props.bucket, rules)}>
      <p class="hint">Lets the scripts of other web sites reach this bucket. This console needs no rule.</p>
      {rules.length === 0 ? <p class="faint">There are no rules: other sites cannot.</p> : null}
      {rules.map((rule, index) => (
        <fieldset class="rule" key={index}>
          <legend>Rule {index + 1}</legend>
          <div class="rule-head">
            <fieldset class="checks grow">
              <legend>Methods</legend>
              {METHODS.map((method) => (
                <label key={method}>
                  <input
                    type="checkbox"
                    checked={rule.methods.includes(method)}
                    onChange={(event) =>
                      change(index, {
                        methods: event.currentTarget.checked
                          ? [...rule.methods, method]
                          : rule.methods.filter((one) => one !== method),
                      })
                    }
                  />{' '}
                  {method}
                </label>
              ))}
            </fieldset>
            <RemoveButton what={`rule ${index + 1}`} onClick={() => setRules(rules.filter((_, at) => at !== index))} />
          </div>
          <div class="grid">
            <WordsField
              label="Origins"
              words={rule.origins}
              onChange={(origins) => change(index, { origins })}
              hint="https://example.com, separated by commas; * for all"
            />
            <WordsField
              label="Request headers"
              words={rule.headers}
              onChange={(headers) => change(index, { headers })}
            />
            <WordsField
              label="Exposed headers"
              words={rule.exposed}
              onChange={(exposed) => change(index, { exposed })}
            />
            <TextField
              label="Remembered for seconds"
              type="number"
              min={0}
              value={rule.maxAgeSeconds}
              onChange={(maxAgeSeconds) => change(index, { maxAgeSeconds })}
            />
          </div>
        </fieldset>
      ))}
      <Button icon="plus" onClick={() => setRules([...rules, NEW])}>
        Add rule
      </Button>
    </SettingsForm>
  );
}

/** A list of words in one field. */
function WordsField(props: {
  readonly label: string;
  readonly words: readonly string[];
  readonly onChange: (words: readonly string[]) => void;
  readonly hint?: string;
}): JSX.Element {
  const [text, setText] = useState(props.words.join(', '));
  return (
    <TextField
      label={props.label}
      value={text}
      {...(props.hint === undefined ? {} : { hint: props.hint })}
      onChange={(value) => {
        setText(value);
        props.onChange(value.split(/[\s,]+/).filter((word) => word !== ''));
      }}
    />
  );
}
