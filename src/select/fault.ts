/** Errors of a query, with the place in the SQL expression that they are about. */
import { S3_ERRORS, S3Error } from '../s3/errors.js';
import type { S3ErrorCode } from '../s3/errors.js';

/** A place in the expression; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** @param what what was found or what is wrong, put after the code's own message */
export function fault(code: S3ErrorCode, at: Position | null, what?: string): S3Error {
  const said = S3_ERRORS[code].message.replace(/\.$/, '');
  const detail = what === undefined ? '' : `: ${what}`;
  const place = at === null ? '' : ` at line ${at.line}, column ${at.column}`;
  return new S3Error(code, { message: `${said}${detail}${place}.` });
}
