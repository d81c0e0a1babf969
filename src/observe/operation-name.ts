/** What a request is counted under: the server's own names, so that there are only so many. */
import type { Trace } from '../http/request-log.js';

/** Refused before it was known what it asks for. */
export const UNRESOLVED = 'Unresolved';

export function operationOf({ operation, action }: Pick<Trace, 'operation' | 'action'>): string {
  return operation?.name ?? action ?? UNRESOLVED;
}
