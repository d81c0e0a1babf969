/** What a lifecycle rule did to one version or upload, for the access log. */
import type { BucketRecord } from '../store/types.js';

export interface LifecycleAction {
  readonly bucket: BucketRecord;
  readonly key: string;
  /** null: of an upload, and in buckets without versions */
  readonly versionId: string | null;
  readonly kind: 'expire' | 'create-delete-marker' | 'transition' | 'abort-upload';
  /** where a transition went; null: none */
  readonly storageClass: string | null;
  /** of the version; null: not known */
  readonly sizeBytes: number | null;
}
