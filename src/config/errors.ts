// ConfigError: everything that is wrong with a configuration, in one throw, so that it can be mended in one go.
import type { ConfigIssue } from './types.js';

/** One line for a person: `pithos.yaml:12: service.port: must be ...`. */
export function formatIssue(issue: ConfigIssue): string {
  const place = issue.line === null ? issue.file : `${issue.file}:${issue.line}`;
  return issue.key === '' ? `${place}: ${issue.reason}` : `${place}: ${issue.key}: ${issue.reason}`;
}

/** From the top of the file to its end, what concerns the file as a whole first. */
export function inOrder(issues: readonly ConfigIssue[]): ConfigIssue[] {
  return [...issues].sort((left, right) => (left.line ?? 0) - (right.line ?? 0));
}

/** Thrown by loadConfig; `message` lists every fault on a line of its own, in the file's order, none of them with a secret in it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly ConfigIssue[];

  constructor(faults: readonly ConfigIssue[]) {
    const ordered = inOrder(faults);
    const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
    super(`the configuration has ${count}:\n${ordered.map((fault) => `  ${formatIssue(fault)}`).join('\n')}`);
    this.faults = ordered;
  }
}
