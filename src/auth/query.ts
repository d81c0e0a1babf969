/** The query string split once per request, for the canonical forms and for the authentication parameters in it. */
import { canonicalQueryComponent, percentDecode } from './encoding.js';

export interface QueryParameter {
  /** As sent. */
  readonly rawName: string;
  /** As sent; null when there is no '='. */
  readonly rawValue: string | null;
  /** Percent-encoded as SigV4 wants it. */
  readonly canonicalName: string;
}

const NONE: readonly QueryParameter[] = Object.freeze([]);

/** Splits a raw query. Empty pieces ('&&') are no parameters. */
export function parseRawQuery(rawQuery: string): readonly QueryParameter[] {
  if (rawQuery === '') return NONE;
  const parameters: QueryParameter[] = [];
  for (const piece of rawQuery.split('&')) {
    if (piece === '') continue;
    const equals = piece.indexOf('=');
    const rawName = equals < 0 ? piece : piece.slice(0, equals);
    const rawValue = equals < 0 ? null : piece.slice(equals + 1);
    parameters.push({ rawName, rawValue, canonicalName: canonicalQueryComponent(rawName) });
  }
  return parameters;
}

/** The first value of a parameter, decoded ('+' is a space unless `keepPlus`); undefined if absent, '' if it has none. */
export function queryValue(
  parameters: readonly QueryParameter[],
  name: string,
  options: { keepPlus: boolean } = { keepPlus: false },
): string | undefined {
  for (const parameter of parameters) {
    if (parameter.canonicalName === name) {
      return percentDecode(parameter.rawValue ?? '', { plusIsSpace: !options.keepPlus });
    }
  }
  return undefined;
}

/** SigV4's canonical query: encoded, sorted by name and then value, without the parameter `omit`. */
export function canonicalQuery(parameters: readonly QueryParameter[], omit: string | null): string {
  if (parameters.length === 0) return '';
  const pairs: { name: string; value: string }[] = [];
  for (const { canonicalName, rawValue } of parameters) {
    if (canonicalName === omit) continue;
    pairs.push({ name: canonicalName, value: rawValue === null ? '' : canonicalQueryComponent(rawValue) });
  }
  // Name first: comparing the joined text would put 'a-b=' before 'a='.
  pairs.sort((a, b) => (a.name === b.name ? compare(a.value, b.value) : compare(a.name, b.name)));
  let out = '';
  for (const { name, value } of pairs) out += (out === '' ? '' : '&') + name + '=' + value;
  return out;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
