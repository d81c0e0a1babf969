/** Every XML document of the API, one import away. Serialisers are named after the document's root element, parsers parse<Root>. */
export * from './access-control.js';
export * from './bucket-configuration.js';
export * from './copy-results.js';
export * from './cors.js';
export * from './create-bucket-configuration.js';
export * from './delete.js';
export * from './error-document.js';
export * from './get-object-attributes.js';
export * from './list-buckets.js';
export * from './list-objects.js';
export * from './list-uploads.js';
export * from './list-versions.js';
export * from './multipart.js';
export * from './object-lock.js';
export * from './post-response.js';
export * from './tagging.js';
