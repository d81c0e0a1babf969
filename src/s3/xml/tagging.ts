/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_Tagging.html */
import { checkTags, tagList } from '../tagging.js';
import type { Tag, TagTarget, Tags } from '../tagging.js';
import { element, parent, xmlDocument } from './build.js';
import { parseXml } from './parse.js';
import type { XmlNode } from './parse.js';

/** The tags, checked by the rules for their target. @throws S3Error MalformedXML, InvalidTag */
export function parseTagging(
  body: Buffer | string,
  target: TagTarget,
  limits: { readonly maxBytes?: number } = {},
): Record<string, string> {
  const root = parseXml(body, { root: 'Tagging', ...limits });
  root.allowOnly('TagSet');
  return checkTags(readTagSet(root.requiredChild('TagSet')), target);
}

/** The Tag elements of a TagSet (of Tags in CreateBucketConfiguration), in order and unchecked. */
export function readTagSet(set: XmlNode): readonly Tag[] {
  set.allowOnly('Tag');
  return set.elements.map((tag) => {
    tag.allowOnly('Key', 'Value');
    return { key: tag.requiredText('Key'), value: tag.requiredText('Value') };
  });
}

export function tagging(tags: Tags): string {
  const set = tagList(tags).map((tag) => parent('Tag', element('Key', tag.key) + element('Value', tag.value)));
  return xmlDocument('Tagging', parent('TagSet', set.join('')));
}
