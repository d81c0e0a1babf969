/** How an object can be looked at in the page. */

export type Look = 'image' | 'audio' | 'video' | 'pdf' | 'text' | 'none';

const BY_NAME: readonly (readonly [RegExp, Look])[] = [
  [/\.(png|jpe?g|gif|webp|avif|svg|bmp|ico)$/i, 'image'],
  [/\.(mp3|ogg|oga|wav|flac|m4a|opus)$/i, 'audio'],
  [/\.(mp4|webm|ogv|mov|m4v)$/i, 'video'],
  [/\.pdf$/i, 'pdf'],
  [
    /\.(txt|md|log|csv|tsv|json|ndjson|xml|ya?ml|toml|ini|conf|html?|css|m?[jt]sx?|py|rb|go|rs|java|c|h|cc|cpp|sh|sql|cql)$/i,
    'text',
  ],
];

export function lookOf(key: string, contentType: string): Look {
  const [type = '', subtype = ''] = contentType.toLowerCase().split(';', 1)[0]?.trim().split('/') ?? [];
  if (type === 'image' || type === 'audio' || type === 'video') return type;
  if (type === 'application' && subtype === 'pdf') return 'pdf';
  if (type === 'text' || /^(json|xml|javascript|x-ndjson|yaml|.*\+(json|xml))$/.test(subtype)) return 'text';
  return BY_NAME.find(([name]) => name.test(key))?.[1] ?? 'none';
}
