/**
 * The strings of policies: text with wildcards and policy variables, and how they are compared with a request's strings. Pure.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */

export type TemplateToken =
  | { readonly kind: 'text'; readonly text: string }
  /** '*' */
  | { readonly kind: 'any' }
  /** '?' */
  | { readonly kind: 'one' }
  /** '${key}' or "${key, 'fallback'}" */
  | { readonly kind: 'variable'; readonly key: string; readonly fallback: string | null };

export interface Template {
  /** as written */
  readonly source: string;
  readonly tokens: readonly TemplateToken[];
}

/** The value of a variable's key in the request; null when it has none, or more than one. */
export type VariableLookup = (key: string) => string | null;

const VARIABLE = /^([A-Za-z0-9-]+:[^,]+?)\s*(?:,\s*'([^']*)'\s*)?$/;

/** variables: false reads '${' as text, as version 2008-10-17 of the policy language does. */
export function parseTemplate(source: string, { variables }: { readonly variables: boolean }): Template {
  const tokens: TemplateToken[] = [];
  let text = '';
  const flush = (): void => {
    if (text !== '') tokens.push({ kind: 'text', text });
    text = '';
  };
  for (let at = 0; at < source.length; at++) {
    const character = source.charAt(at);
    if (character === '*' || character === '?') {
      flush();
      tokens.push({ kind: character === '*' ? 'any' : 'one' });
      continue;
    }
    const end = variables && character === '$' && source.charAt(at + 1) === '{' ? source.indexOf('}', at) : -1;
    const inside = end < 0 ? null : source.slice(at + 2, end).trim();
    if (inside === '*' || inside === '?' || inside === '$') {
      text += inside;
      at = end;
      continue;
    }
    const match = inside === null ? null : VARIABLE.exec(inside);
    if (match === null) {
      text += character;
      continue;
    }
    flush();
    tokens.push({ kind: 'variable', key: match[1] ?? '', fallback: match[2] ?? null });
    at = end;
  }
  flush();
  return { source, tokens };
}

export function hasVariables(template: Template): boolean {
  return template.tokens.some((token) => token.kind === 'variable');
}

/** The template with '*' and '?' meaning themselves; null when a variable has no value. */
export function literal(template: Template, lookup: VariableLookup): string | null {
  let text = '';
  for (const token of template.tokens) {
    if (token.kind === 'text') text += token.text;
    else if (token.kind === 'any') text += '*';
    else if (token.kind === 'one') text += '?';
    else {
      const value = lookup(token.key) ?? token.fallback;
      if (value === null) return null;
      text += value;
    }
  }
  return text;
}

/** A pattern with its variables filled in. What a variable holds never acts as a wildcard. */
export type Glob = readonly (string | typeof ANY | typeof ONE)[];

const ANY = Symbol('any');
const ONE = Symbol('one');

/** null when a variable has no value: such a pattern matches nothing. */
export function globOf(template: Template, lookup: VariableLookup): Glob | null {
  const glob: (string | typeof ANY | typeof ONE)[] = [];
  for (const token of template.tokens) {
    if (token.kind === 'any') glob.push(ANY);
    else if (token.kind === 'one') glob.push(ONE);
    else {
      const text = token.kind === 'text' ? token.text : (lookup(token.key) ?? token.fallback);
      if (text === null) return null;
      for (const character of text) glob.push(character);
    }
  }
  return glob;
}

/** By code point; time grows with the product of both lengths at worst. */
export function matchesGlob(glob: Glob, text: string): boolean {
  const characters = Array.from(text);
  let at = 0;
  let position = 0;
  // Where to go on when the rest does not fit: the last '*' takes one character more.
  let star = -1;
  let starPosition = 0;
  while (position < characters.length) {
    const wanted = glob[at];
    if (wanted === ANY) {
      star = at++;
      starPosition = position;
    } else if (at < glob.length && (wanted === ONE || wanted === characters[position])) {
      at++;
      position++;
    } else if (star >= 0) {
      at = star + 1;
      position = ++starPosition;
    } else return false;
  }
  while (glob[at] === ANY) at++;
  return at === glob.length;
}

/** Whether some string that begins with the prefix matches. */
export function canMatchPrefix(glob: Glob, prefix: string): boolean {
  let reached = new Set([0]);
  const skipAny = (positions: Set<number>): Set<number> => {
    for (const at of positions) if (glob[at] === ANY) positions.add(at + 1);
    return positions;
  };
  reached = skipAny(reached);
  for (const character of prefix) {
    const next = new Set<number>();
    for (const at of reached) {
      const wanted = glob[at];
      if (wanted === ANY) next.add(at);
      else if (at < glob.length && (wanted === ONE || wanted === character)) next.add(at + 1);
    }
    reached = skipAny(next);
    if (reached.size === 0) return false;
  }
  return true;
}

export function lowerCased(template: Template): Template {
  return {
    source: template.source,
    tokens: template.tokens.map((token) =>
      token.kind === 'text' ? { kind: 'text', text: token.text.toLowerCase() } : token,
    ),
  };
}

/** No variable has a value. */
export const NO_VARIABLES: VariableLookup = () => null;
