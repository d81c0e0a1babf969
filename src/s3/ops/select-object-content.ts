/**
 * SelectObjectContent. https://docs.aws.amazon.com/AmazonS3/latest/API/API_SelectObjectContent.html
 * Unlike on AWS, anonymous callers may query what they may read, objects of every storage class are queried, and versionId
 * selects a version. What the SQL of docs/select.md takes beyond AWS's is said there.
 */
import { readObject } from '../../data/read.js';
import { EVENT_STREAM_TYPE, errorMessage } from '../../select/event-stream.js';
import { parseStatement } from '../../select/parse-statement.js';
import { selectMessages } from '../../select/run.js';
import type { SelectedObject } from '../../select/types.js';
import { blobStoreOf } from '../../store/shared/blob-store-of.js';
import type { ObjectVersion } from '../../store/types.js';
import { loadVersion } from '../access.js';
import type { OperationContext } from '../context.js';
import { regionOf } from '../context.js';
import { checkReadKey, readCipher } from '../encryption.js';
import { S3Error } from '../errors.js';
import type { Handler } from '../operation.js';
import { toS3Error } from '../store-errors.js';
import { selectorOf } from '../versioning.js';
import { xmlBody } from '../xml-body.js';
import { parseSelectRequest } from '../xml/select-request.js';

/** An expression of 256 KB, all of whose characters are escaped, and the rest. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;

export const selectObjectContent: Handler = async (context) => {
  const { request, services, signal } = context;
  if (request.headers['range'] !== undefined) throw new S3Error('UnsupportedRangeHeader');
  const version = await loadVersion(context, {
    select: selectorOf(request.query.get('versionId')),
    permission: 'READ',
    withInline: true,
  });
  const object = await selectedObject(context, version);
  const body = await xmlBody(context, { required: true, maxBytes: MAX_BODY_BYTES });
  const select = parseSelectRequest(body, { maxBytes: MAX_BODY_BYTES });
  const statement = parseStatement(select.expression);
  const messages = selectMessages({
    request: select,
    statement,
    object,
    budget: services.selectBudget,
    now: services.now,
    signal,
  });
  // What goes wrong before the first message is answered with a status of its own.
  const first = await messages.next();
  return {
    status: 200,
    headers: { 'content-type': EVENT_STREAM_TYPE },
    body: answer(context, first.done === true ? [] : [first.value], messages),
  };
};

/** What goes wrong later ends the answer with an error message instead of End. */
async function* answer(
  { log, request, signal }: OperationContext,
  first: readonly Buffer[],
  rest: AsyncGenerator<Buffer, void, void>,
): AsyncGenerator<Buffer, void, void> {
  try {
    yield* first;
    yield* rest;
  } catch (error) {
    if (signal.aborted) throw error;
    const refusal = toS3Error(error);
    if (refusal.status >= 500)
      log.error({ requestId: request.id, code: refusal.code, err: refusal.cause ?? refusal }, 'a query was cut off');
    yield errorMessage(refusal.code, refusal.message);
  } finally {
    await rest.return();
  }
}

/** @throws S3Error as GetObject for keys of customers */
async function selectedObject(context: OperationContext, version: ObjectVersion): Promise<SelectedObject> {
  const customerKey = checkReadKey(context, version.encryption);
  const cipher = await readCipher(context, version.encryption, customerKey);
  const region = regionOf(context, context.bucket);
  return {
    sizeBytes: version.sizeBytes,
    read: (range) =>
      readObject({
        version,
        blobStoreFor: (storageClass) => blobStoreOf(region, storageClass),
        cipher,
        range,
        signal: context.signal,
      }),
  };
}
