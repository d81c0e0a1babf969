/** The CORS rules that count for a bucket: its own, else the configuration's default-cors. */
import type { CorsRule as ConfigCorsRule } from '../config/types.js';
import type { BucketRecord } from '../store/types.js';
import type { Services } from './context.js';
import type { CorsRule } from './cors.js';
import { parseCors } from './cors.js';

const parsed = new WeakMap<BucketRecord, readonly CorsRule[]>();

export function bucketCorsRules(
  services: Pick<Services, 'settings'>,
  bucket: BucketRecord | null,
): readonly CorsRule[] {
  const document = bucket?.documents['cors'];
  if (bucket === null || document === undefined) return services.settings.defaultCors;
  let rules = parsed.get(bucket);
  if (rules === undefined) {
    rules = parseCors(document);
    parsed.set(bucket, rules);
  }
  return rules;
}

/** options.default-cors in Pithos's words -> rules. */
export function corsRulesOf(rules: readonly ConfigCorsRule[]): readonly CorsRule[] {
  return rules.map((rule) => ({
    allowedOrigins: rule.origins,
    allowedMethods: rule.methods,
    allowedHeaders: rule.headers,
    exposeHeaders: rule.exposed,
    ...(rule.maxAgeSeconds === undefined ? {} : { maxAgeSeconds: rule.maxAgeSeconds }),
  }));
}
