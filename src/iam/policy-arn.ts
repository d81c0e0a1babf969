/**
 * ARNs and patterns of ARNs. The colons of a pattern are those it was written with: neither a wildcard nor a variable reaches
 * over one, except in the last part, which may hold colons itself. Pure.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
 */
import type { Glob, Template, TemplateToken, VariableLookup } from './policy-template.js';
import { globOf, matchesGlob, NO_VARIABLES } from './policy-template.js';

/** arn:partition:service:region:account:resource */
const PARTS = 6;

export interface ArnPattern {
  readonly source: string;
  /** null: '*', which stands for every ARN */
  readonly parts: readonly Template[] | null;
}

/** null when it is neither '*' nor has the six parts of an ARN. */
export function arnPattern(template: Template): ArnPattern | null {
  const { source, tokens } = template;
  if (tokens.length === 1 && tokens[0]?.kind === 'any') return { source, parts: null };
  const parts = splitTemplate(template);
  return parts.length === PARTS ? { source, parts } : null;
}

function splitTemplate({ tokens }: Template): Template[] {
  const parts: TemplateToken[][] = [[]];
  const add = (token: TemplateToken): void => {
    parts[parts.length - 1]?.push(token);
  };
  for (const token of tokens) {
    if (token.kind !== 'text') {
      add(token);
      continue;
    }
    let { text } = token;
    for (;;) {
      const colon = parts.length < PARTS ? text.indexOf(':') : -1;
      const head = colon < 0 ? text : text.slice(0, colon);
      if (head !== '') add({ kind: 'text', text: head });
      if (colon < 0) break;
      parts.push([]);
      text = text.slice(colon + 1);
    }
  }
  return parts.map((part) => ({ source: '', tokens: part }));
}

/** null when it is not an ARN. */
export function splitArn(arn: string): readonly string[] | null {
  const parts = arn.split(':');
  if (parts.length < PARTS || parts[0] !== 'arn') return null;
  return [...parts.slice(0, PARTS - 1), parts.slice(PARTS - 1).join(':')];
}

export function matchesArn(pattern: ArnPattern, arn: string, lookup: VariableLookup): boolean {
  if (pattern.parts === null) return true;
  const parts = splitArn(arn);
  if (parts === null) return false;
  return pattern.parts.every((part, index) => {
    const glob = globOf(part, lookup);
    return glob !== null && matchesGlob(glob, parts[index] ?? '');
  });
}

/**
 * What an ARN of S3 says of bucket and key, as a pattern; null when the pattern cannot match an S3 bucket or object.
 * A variable counts as anything.
 */
export function s3ResourceGlob(pattern: ArnPattern): Glob | null {
  if (pattern.parts === null) return null;
  const [arn, partition, service, region, account, resource] = pattern.parts.map((part) =>
    globOf({ source: '', tokens: part.tokens.map(variableAsAny) }, NO_VARIABLES),
  );
  const fits = (glob: Glob | null | undefined, text: string): boolean =>
    glob !== null && glob !== undefined && matchesGlob(glob, text);
  if (!fits(arn, 'arn') || !fits(partition, 'aws') || !fits(service, 's3') || !fits(region, '') || !fits(account, ''))
    return null;
  return resource ?? null;
}

function variableAsAny(token: TemplateToken): TemplateToken {
  return token.kind === 'variable' ? { kind: 'any' } : token;
}

export function bucketArn(bucket: string): string {
  return `arn:aws:s3:::${bucket}`;
}

export function objectArn(bucket: string, key: string): string {
  return `arn:aws:s3:::${bucket}/${key}`;
}
