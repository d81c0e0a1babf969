/** Policies, one import away: parsing, evaluation, what bucket policies may say, and whether one is public. */
export * from './policy-arn.js';
export * from './policy-bucket.js';
export * from './policy-evaluate.js';
export * from './policy-model.js';
export * from './policy-parse.js';
export * from './policy-public.js';
export * from './policy-service.js';
export type { Condition, ValueCondition } from './policy-conditions.js';
