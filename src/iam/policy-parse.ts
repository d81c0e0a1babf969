/**
 * Policy documents: JSON text -> Policy, by the whole grammar. What a policy may say where it is attached (a bucket's own
 * resources, known actions) is checked apart from it. Pure.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
import { arnPattern } from './policy-arn.js';
import type { ArnPattern } from './policy-arn.js';
import { parseConditions } from './policy-conditions.js';
import type { Actions, Policy, Principals, Resources, Statement } from './policy-model.js';
import { PolicyFault } from './policy-model.js';
import { parsePrincipals } from './policy-principal.js';
import { lowerCased, parseTemplate } from './policy-template.js';
import type { Template } from './policy-template.js';

/** resource: on what it speaks about (bucket policies); identity: on who asks; trust: on a role, about who may assume it. */
export type PolicyKind = 'resource' | 'identity' | 'trust';

const POLICY_FIELDS: ReadonlySet<string> = new Set(['Version', 'Id', 'Statement']);
const STATEMENT_FIELDS: ReadonlySet<string> = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);

type Fields = Readonly<Record<string, unknown>>;

/** @throws PolicyFault */
export function parsePolicy(text: string, kind: PolicyKind): Policy {
  if (!text.trimStart().startsWith('{'))
    throw new PolicyFault("Policies must be valid JSON and the first byte must be '{'");
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new PolicyFault('This policy contains invalid Json');
  }
  if (!isFields(document)) throw new PolicyFault('This policy contains invalid Json');
  onlyFields(document, POLICY_FIELDS);
  const version = document['Version'] ?? '2008-10-17';
  if (version !== '2008-10-17' && version !== '2012-10-17')
    throw new PolicyFault('The policy must contain a valid version string');
  const id = document['Id'] ?? null;
  if (id !== null && typeof id !== 'string') throw new PolicyFault('Id must be a string');
  const listed = document['Statement'];
  if (listed === undefined) throw new PolicyFault('Missing required field Statement');
  const elements: readonly unknown[] = Array.isArray(listed) ? listed : [listed];
  if (elements.length === 0) throw new PolicyFault('Could not parse the policy: Statement is empty!');
  const options = { kind, variables: version === '2012-10-17' };
  const statements = elements.map((element) => parseStatement(element, options));
  checkSids(statements);
  return { version, id, statements, keys: keysOf(statements) };
}

interface ParseOptions {
  readonly kind: PolicyKind;
  readonly variables: boolean;
}

function parseStatement(element: unknown, options: ParseOptions): Statement {
  if (!isFields(element)) throw new PolicyFault('Statement must be an object or a list of objects');
  onlyFields(element, STATEMENT_FIELDS);
  const sid = element['Sid'] ?? null;
  if (sid !== null && typeof sid !== 'string') throw new PolicyFault('Sid must be a string');
  if (sid !== null && options.kind !== 'resource' && !/^[A-Za-z0-9]*$/.test(sid))
    throw new PolicyFault(`Statement IDs (SID) must be alpha-numeric: ${sid}`);
  const effect = element['Effect'];
  if (effect === undefined) throw new PolicyFault('Missing required field Effect');
  if (effect !== 'Allow' && effect !== 'Deny') throw new PolicyFault(`Invalid effect: ${shown(effect)}`);
  return {
    sid,
    effect,
    principal: readPrincipal(element, options.kind),
    action: readActions(element, options),
    resource: readResources(element, options),
    conditions: element['Condition'] === undefined ? [] : parseConditions(element['Condition'], options),
  };
}

function readPrincipal(element: Fields, kind: PolicyKind): Principals | null {
  const found = eitherOf(element, 'Principal', 'NotPrincipal');
  if (kind === 'identity') {
    if (found !== null) throw new PolicyFault('Policy document should not specify a principal.');
    return null;
  }
  if (found === null) throw new PolicyFault('Missing required field Principal');
  return { except: found.except, patterns: parsePrincipals(found.value) };
}

function readActions(element: Fields, options: ParseOptions): Actions {
  const found = eitherOf(element, 'Action', 'NotAction');
  if (found === null) throw new PolicyFault('Missing required field Action');
  const patterns = strings('Action', found.value).map((action) => {
    if (action !== '*' && !/^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$/.test(action))
      throw new PolicyFault('Policy has invalid action');
    return lowerCased(parseTemplate(action, options));
  });
  return { except: found.except, patterns };
}

function readResources(element: Fields, options: ParseOptions): Resources | null {
  const found = eitherOf(element, 'Resource', 'NotResource');
  if (options.kind === 'trust') {
    if (found !== null) throw new PolicyFault('Has prohibited field Resource');
    return null;
  }
  if (found === null) throw new PolicyFault('Missing required field Resource');
  const patterns = strings('Resource', found.value).map((resource) => readResource(resource, options));
  return { except: found.except, patterns };
}

function readResource(resource: string, options: ParseOptions): ArnPattern {
  const pattern = arnPattern(parseTemplate(resource, options));
  const head = pattern?.parts?.[0]?.tokens[0];
  if (pattern === null || (pattern.parts !== null && !(head?.kind === 'text' && head.text === 'arn')))
    throw new PolicyFault(
      options.kind === 'resource'
        ? 'Policy has invalid resource'
        : `Resource ${resource} must be in ARN format or "*".`,
    );
  return pattern;
}

function eitherOf(element: Fields, name: string, notName: string): { except: boolean; value: unknown } | null {
  const value = element[name];
  const notValue = element[notName];
  if (value !== undefined && notValue !== undefined)
    throw new PolicyFault(`Statement must not have both ${name} and ${notName}`);
  if (value !== undefined) return { except: false, value };
  return notValue === undefined ? null : { except: true, value: notValue };
}

function strings(field: string, value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw new PolicyFault(`Missing required field ${field}`);
  return list.map((item) => {
    if (typeof item !== 'string' || item === '') throw new PolicyFault(`Policy has invalid ${field.toLowerCase()}`);
    return item;
  });
}

function onlyFields(element: Fields, known: ReadonlySet<string>): void {
  for (const name of Object.keys(element)) if (!known.has(name)) throw new PolicyFault(`Unknown field ${name}`);
}

function checkSids(statements: readonly Statement[]): void {
  const seen = new Set<string>();
  for (const { sid } of statements) {
    if (sid === null || sid === '') continue;
    if (seen.has(sid)) throw new PolicyFault('Statement IDs (SID) in a single policy must be unique.');
    seen.add(sid);
  }
}

function keysOf(statements: readonly Statement[]): ReadonlySet<string> {
  const keys = new Set<string>();
  const addVariables = ({ tokens }: Template): void => {
    for (const token of tokens) if (token.kind === 'variable') keys.add(token.key.toLowerCase());
  };
  for (const { resource, conditions } of statements) {
    for (const { parts } of resource?.patterns ?? []) parts?.forEach(addVariables);
    for (const condition of conditions) {
      keys.add(condition.key.toLowerCase());
      if (condition.kind === 'values') condition.values.forEach(addVariables);
    }
  }
  return keys;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
