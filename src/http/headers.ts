/** Request headers as S3 reads them: lower-case names, repeated values joined with ',', values as byte strings. */

/** From Node's flat rawHeaders list, one char per byte sent (Latin-1), as signatures read them. */
export function flattenHeaders(rawHeaders: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    const value = rawHeaders[i + 1] ?? '';
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before},${value}`;
  }
  return headers;
}

/**
 * Text -> the byte string that goes on the wire as its UTF-8. For values that did not come from a header: those are byte
 * strings already, and what a client wrote into x-amz-meta-* goes back to it byte by byte.
 */
export function wireValue(text: string): string {
  return /^[ -~\t]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}
