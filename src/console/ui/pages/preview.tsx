/**
 * A look at an object without downloading it. Media are fetched by the browser itself under a presigned URL, piece by piece as they
 * are played; text is read up to a limit and shown as text, whatever it is.
 */
import type { JSX } from 'preact';
import { versionQuery } from '../api/objects.js';
import type { ObjectId, ObjectInfo } from '../api/objects.js';
import { useLoad } from '../context.js';
import { baseName, formatBytes } from '../lib/format.js';
import { lookOf } from '../lib/media.js';
import type { Look } from '../lib/media.js';
import { Empty, Load } from '../parts/basics.js';

const MAX_TEXT_BYTES = 256 * 1024;
const EXPIRES_S = 6 * 3600;
const TYPES: Readonly<Partial<Record<Look, string>>> = { pdf: 'application/pdf' };

export function Preview({ id, info }: { readonly id: ObjectId; readonly info: ObjectInfo }): JSX.Element {
  const look = lookOf(id.key, info.contentType);
  if (info.sizeBytes === 0) return <Empty icon="file" title="This object is empty" />;
  if (look === 'none')
    return (
      <Empty icon="file" title="No preview">
        <p class="faint">Objects of the type {info.contentType} cannot be shown here. Download it instead.</p>
      </Empty>
    );
  return look === 'text' ? <TextPreview id={id} info={info} /> : <MediaPreview id={id} look={look} />;
}

function TextPreview({ id, info }: { readonly id: ObjectId; readonly info: ObjectInfo }): JSX.Element {
  const { bucket, key } = id;
  const loaded = useLoad(`text ${bucket}/${key} ${info.etag}`, async (client, signal) => {
    const headers = { range: `bytes=0-${MAX_TEXT_BYTES - 1}` };
    return (await client.s3({ bucket, key, query: versionQuery(id), headers, signal })).text();
  });
  return (
    <Load from={loaded} what="the text">
      {(text) => (
        <>
          <pre class="preview-text" tabIndex={0} aria-label={`Text of ${baseName(key)}`}>
            {text}
          </pre>
          {info.sizeBytes > MAX_TEXT_BYTES ? (
            <p class="faint">
              The first {formatBytes(MAX_TEXT_BYTES)} of {formatBytes(info.sizeBytes)}.
            </p>
          ) : null}
        </>
      )}
    </Load>
  );
}

function MediaPreview({ id, look }: { readonly id: ObjectId; readonly look: Look }): JSX.Element {
  const { bucket, key } = id;
  const type = TYPES[look];
  const loaded = useLoad(`media ${bucket}/${key} ${id.versionId ?? ''}`, (client) => {
    const shown = type === undefined ? [] : ([['response-content-type', type]] as const);
    const query = [['response-content-disposition', 'inline'], ...shown, ...versionQuery(id)] as const;
    return client.presign({ bucket, key, query, expiresSeconds: EXPIRES_S });
  });
  const name = baseName(key);
  return (
    <Load from={loaded} what="the preview">
      {(url) => {
        switch (look) {
          case 'image':
            return <img class="preview-media" src={url} alt={name} />;
          case 'audio':
            return <audio class="preview-media" src={url} controls aria-label={name} />;
          case 'video':
            return <video class="preview-media" src={url} controls aria-label={name} />;
          default:
            return <iframe class="preview-media pdf" src={url} title={name} />;
        }
      }}
    </Load>
  );
}
