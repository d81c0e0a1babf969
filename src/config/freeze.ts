// Deep freezing, so that a configuration is the same for everyone who holds it, from start to end.

/** Freezes `value` and all it holds, and returns it. Buffers stay writable: typed arrays cannot be frozen. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
