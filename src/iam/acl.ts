/** Access control lists, one import away: model and evaluation, request headers, XML documents. */
export * from './acl-document.js';
export * from './acl-headers.js';
export * from './acl-model.js';
