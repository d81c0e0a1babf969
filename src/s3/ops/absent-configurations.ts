/**
 * Configurations that no bucket here has, because what they configure is not served: reads answer what S3 answers for a bucket
 * without one, and deletions find nothing to do, so that tools that read every configuration of a bucket (Terraform, inventories of
 * accounts) work. Setting one is refused by name.
 */
import { S3Error } from '../errors.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { accelerateConfiguration, emptyConfigurationList } from '../xml/absent-configurations.js';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAccelerateConfiguration.html */
export const getBucketAccelerateConfiguration: Handler = async () => xmlResponse(accelerateConfiguration());

/**
 * Analytics, metrics and intelligent-tiering configurations by their id.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketMetricsConfiguration.html
 */
export const getAbsentConfiguration: Handler = async () => {
  throw new S3Error('NoSuchConfiguration');
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketAnalyticsConfigurations.html */
export const listBucketAnalyticsConfigurations: Handler = async () =>
  xmlResponse(emptyConfigurationList('ListBucketAnalyticsConfigurationResult'));

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketMetricsConfigurations.html */
export const listBucketMetricsConfigurations: Handler = async () =>
  xmlResponse(emptyConfigurationList('ListMetricsConfigurationsResult'));

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketIntelligentTieringConfigurations.html */
export const listBucketIntelligentTieringConfigurations: Handler = async () =>
  xmlResponse(emptyConfigurationList('ListBucketIntelligentTieringConfigurationsOutput'));

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketMetricsConfiguration.html and its kin: gone already */
export const deleteAbsentConfiguration: Handler = async () => emptyResponse(204);
