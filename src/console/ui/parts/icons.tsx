/** Icons, drawn on a grid of 24. They say nothing to screen readers: the text beside them, or the button's label, does. */
import type { JSX } from 'preact';

const PATHS = {
  bucket:
    'M4 6h16l-1.8 13.200a2 2 0 0 1-2 1.800H7.800a2 2 0 0 1-2-1.800L4 6Zm0 0c0-1.700 3.600-3 8-3s8 1.300 8 3-3.600 3-8 3-8-1.300-8-3Z',
  folder: 'M3 7a2 2 0 0 1 2-2h4l2 2.500h8a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V7Z',
  file: 'M6 3h8l5 5v11a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2Zm8 0v5h5',
  users:
    'M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7Zm-6.500 9c0-3.300 2.900-5.500 6.500-5.500s6.500 2.200 6.500 5.500M16 4.300a3.500 3.500 0 0 1 0 6.400m2 4.300c2.200.800 3.500 2.600 3.500 5',
  status: 'M3 12h4l3-8 4 16 3-8h4',
  upload: 'M12 16V4m0 0L7 9m5-5 5 5M4 16v3a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-3',
  download: 'M12 4v12m0 0-5-5m5 5 5-5M4 16v3a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-3',
  trash: 'M4 7h16M9 7V4h6v3m3 0-1 13H7L6 7m4 4v5m4-5v5',
  settings:
    'M4 7h9m4 0h3M4 17h3m4 0h9M15 4.500a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5ZM9 14.500a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5Z',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6 6 18',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm5-2 4.500 4.500',
  share: 'M9.500 14.500l5-5M8 11l-2.500 2.500a3.500 3.500 0 0 0 5 5L13 16m-2-8 2.500-2.500a3.500 3.500 0 0 1 5 5L16 13',
  refresh: 'M20 11a8 8 0 0 0-14.500-4L4 9m0-5v5h5m-5 4a8 8 0 0 0 14.500 4l1.500-2m0 5v-5h-5',
  logout: 'M14 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h8m2-12 4 4m0 0-4 4m4-4H9',
  key: 'M15 9a5 5 0 1 0-4.600 5L12 15.500h2v2h2v2h4v-3.500L14.700 10.700A5 5 0 0 0 15 9ZM8.500 8.500h.01',
  check: 'M5 13l4.500 4.500L19 7',
  copy: 'M9 9h10v12H9V9ZM5 15V3h10',
  eye: 'M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12ZM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z',
  warning: 'M12 9v5m0 3h.01M12 3.500 2.500 20h19L12 3.500Z',
  history: 'M4 5v5h5M4.600 14a8 8 0 1 0 .500-5.500L4 10m8-2.500V12l3.500 2',
  lock: 'M6 11h12v9H6v-9Zm2.500 0V8a3.500 3.500 0 0 1 7 0v3',
  back: 'M15 5l-7 7 7 7',
  more: 'M9 5l7 7-7 7',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The jar. */
export function Logo({ size = 32 }: { readonly size?: number }): JSX.Element {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false" class="logo">
      <rect width="32" height="32" rx="8" class="logo-ground" />
      <path
        class="logo-jar"
        d="M11 7h10v2.200l-1.600 1.400c3.600 1.500 5.600 4 5.600 7 0 4.600-4 7.900-7 9.400h-4c-3-1.500-7-4.800-7-9.400 0-3 2-5.500 5.600-7L11 9.200Z"
      />
      <path class="logo-band" d="M8.500 16.500h15" />
    </svg>
  );
}
