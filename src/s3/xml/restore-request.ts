/** The body of RestoreObject. https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html */
import { parseXml } from './parse.js';

export interface RestoreRequest {
  /** null: restore for a time */
  readonly type: 'SELECT' | null;
  /** of the restored copy; null where none is given */
  readonly days: number | null;
}

/** @throws S3Error MalformedXML */
export function parseRestoreRequest(body: Buffer | string): RestoreRequest {
  const root = parseXml(body, { root: 'RestoreRequest' });
  const days = root.integer('Days') ?? null;
  if (days === 0) throw root.fault('Days must be at least 1');
  return { type: root.choice<'SELECT'>('Type', ['SELECT']) ?? null, days };
}
