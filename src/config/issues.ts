// Collects what a configuration gets wrong: faults stop the start, warnings do not. One collector per loadConfig.
import type { ConfigIssue } from './types.js';

export interface Finding {
  readonly line: number | null;
  readonly key: string;
  readonly reason: string;
}

export class Issues {
  readonly #file: string;
  readonly faults: ConfigIssue[] = [];
  readonly warnings: ConfigIssue[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  fault(finding: Finding): void {
    add(this.faults, { file: this.#file, ...finding });
  }

  warn(finding: Finding): void {
    add(this.warnings, { file: this.#file, ...finding });
  }
}

// A map that is merged or aliased into several places is read several times; its faults are told once for each key.
function add(list: ConfigIssue[], issue: ConfigIssue): void {
  const known = list.some(
    (other) => other.line === issue.line && other.key === issue.key && other.reason === issue.reason,
  );
  if (!known) list.push(issue);
}
