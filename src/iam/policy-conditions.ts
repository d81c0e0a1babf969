/**
 * The Condition element of a statement: operators, their qualifiers, and what a missing key means. Pure.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
 */
import type { ConditionKeys } from './policy-model.js';
import { PolicyFault } from './policy-model.js';
import type { Matcher } from './policy-operators.js';
import { OPERATORS } from './policy-operators.js';
import type { Template, VariableLookup } from './policy-template.js';
import { parseTemplate } from './policy-template.js';

export type Condition = NullCondition | ValueCondition;

interface NullCondition {
  readonly kind: 'null';
  readonly key: string;
  /** true: the key must be missing; several values ask for either */
  readonly missing: readonly boolean[];
}

export interface ValueCondition {
  readonly kind: 'values';
  /** without qualifier and IfExists: 'StringLike' */
  readonly operator: string;
  readonly negated: boolean;
  readonly ifExists: boolean;
  readonly qualifier: 'ForAllValues' | 'ForAnyValue' | null;
  /** as written */
  readonly key: string;
  readonly values: readonly Template[];
  readonly matchers: readonly Matcher[];
}

const NAME = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/;

/** @throws PolicyFault */
export function parseConditions(element: unknown, options: { readonly variables: boolean }): Condition[] {
  return entriesOf(element).flatMap(([name, block]) =>
    entriesOf(block).map(([key, values]) => parseCondition(name, { key, values: scalars(key, values) }, options)),
  );
}

function parseCondition(
  name: string,
  { key, values }: { readonly key: string; readonly values: readonly string[] },
  options: { readonly variables: boolean },
): Condition {
  const [, qualifier, operator = '', ifExists] = NAME.exec(name) ?? [];
  if (operator === 'Null') {
    if (qualifier !== undefined || ifExists !== undefined) throw new PolicyFault(`Invalid Condition type : ${name}`);
    return { kind: 'null', key, missing: values.map((value) => readNull(key, value)) };
  }
  const known = OPERATORS.get(operator);
  if (known === undefined) throw new PolicyFault(`Invalid Condition type : ${name}`);
  const templates = values.map((value) => parseTemplate(value, options));
  const matchers = templates.map((template) => {
    const matcher = known.matcher(template);
    if (matcher === null)
      throw new PolicyFault(`Invalid value for Condition type ${operator}, key ${key} : ${template.source}`);
    return matcher;
  });
  return {
    kind: 'values',
    operator,
    negated: known.negated,
    ifExists: ifExists !== undefined,
    qualifier: qualifier === 'ForAllValues' || qualifier === 'ForAnyValue' ? qualifier : null,
    key,
    values: templates,
    matchers,
  };
}

function readNull(key: string, value: string): boolean {
  const lower = value.toLowerCase();
  if (lower !== 'true' && lower !== 'false')
    throw new PolicyFault(`Invalid value for Condition type Null, key ${key} : ${value}`);
  return lower === 'true';
}

function entriesOf(element: unknown): [string, unknown][] {
  if (typeof element !== 'object' || element === null || Array.isArray(element))
    throw new PolicyFault('Condition must be a map of operators, each with a map of condition keys');
  return Object.entries(element);
}

/** One value or a list; JSON's numbers and booleans count as their text. */
function scalars(key: string, element: unknown): string[] {
  const list: readonly unknown[] = Array.isArray(element) ? element : [element];
  return list.map((value) => {
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw new PolicyFault(`Condition key ${key} must have a value or a list of values`);
  });
}

export function conditionHolds(condition: Condition, keys: ConditionKeys): boolean {
  const found = keys.get(condition.key);
  const actual = found === null || found.length === 0 ? null : found;
  if (condition.kind === 'null') return condition.missing.includes(actual === null);
  const { negated, qualifier } = condition;
  if (actual === null) {
    if (condition.ifExists || qualifier === 'ForAllValues') return true;
    return qualifier === null && negated;
  }
  const lookup = variableLookup(keys);
  const matches = (value: string): boolean => condition.matchers.some((matcher) => matcher(value, lookup));
  const holds = (value: string): boolean => matches(value) !== negated;
  if (qualifier === 'ForAnyValue') return actual.some(holds);
  if (qualifier === 'ForAllValues') return actual.every(holds);
  return negated ? actual.every(holds) : actual.some(holds);
}

export function variableLookup(keys: ConditionKeys): VariableLookup {
  return (key) => {
    const values = keys.get(key);
    return values?.length === 1 ? (values[0] ?? null) : null;
  };
}
