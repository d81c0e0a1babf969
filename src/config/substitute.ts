// ${NAME} and ${NAME:-fallback} in configuration text, from variables that the caller passes in. This is how a Kubernetes
// Secret reaches a pithos.yaml that lies in a ConfigMap.
import type { Environment } from './source.js';

// '$${' is a literal '${'; the last alternative catches what looks like a reference and is not one.
const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{[^}]*\}?/g;

export interface Substituted {
  readonly text: string;
  /** One reason for each reference that cannot be followed; none of them quotes a value. */
  readonly faults: readonly string[];
}

/** As in a shell, a fallback stands in for a variable that is unset or empty; without one, an unset variable is a fault. */
export function substitute(text: string, env: Environment): Substituted {
  const faults: string[] = [];
  const replaced = text.replace(REFERENCE, (whole: string, name?: string, fallback?: string) => {
    if (whole === '$${') return '${';
    if (name === undefined) {
      faults.push(
        '${...} must name an environment variable, as ${NAME} or ${NAME:-fallback}; write $${ for a literal ${',
      );
      return '';
    }
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value !== undefined && (value !== '' || fallback === undefined)) return value;
    if (fallback !== undefined) return fallback;
    faults.push(`environment variable ${name} is not set`);
    return '';
  });
  return { text: replaced, faults };
}
