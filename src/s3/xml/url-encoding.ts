/**
 * encoding-type=url of the listings. Everything but letters, digits, -_.~ and '/' is percent-encoded as UTF-8; a space
 * becomes %20. (AWS writes '+', which Python's unquote and JavaScript's decodeURIComponent leave alone; %20 is read alike by
 * all of them, and '+' itself is %2B.)
 */

export type EncodingType = 'url' | null;

const PLAIN = /^[A-Za-z0-9\-_.~/]*$/;

/** The form of a key, prefix, delimiter or marker in a listing. */
export function encodeListed(text: string, encodingType: EncodingType): string {
  if (encodingType === null || PLAIN.test(text)) return text;
  return encodeURIComponent(text)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

const NOT_PLAIN_XML = /[%+\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/;

/**
 * The form of Prefix in ListObjects version 1, which botocore does not decode (it does in every other listing) but the
 * other SDKs do. Text that decoding would not change is therefore left as it is, which is right for both.
 */
export function encodePrefixV1(prefix: string, encodingType: EncodingType): string {
  return NOT_PLAIN_XML.test(prefix) ? encodeListed(prefix, encodingType) : prefix;
}
