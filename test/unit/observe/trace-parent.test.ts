// traceparent as clients send it: https://www.w3.org/TR/trace-context/
import { describe, expect, it } from 'vitest';
import { remoteParent } from '../../../src/observe/trace-parent.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('remoteParent', () => {
  it('reads ids and the sampled flag, and passes the state on', () => {
    expect(remoteParent(`00-${TRACE}-${SPAN}-01`, undefined)).toEqual({
      traceId: TRACE,
      spanId: SPAN,
      traceFlags: 1,
      isRemote: true,
    });
    expect(remoteParent(`00-${TRACE}-${SPAN}-00`, 'a=1')?.traceFlags).toBe(0);
    expect(remoteParent(`00-${TRACE}-${SPAN}-03`, 'a=1')?.traceFlags).toBe(1);
    expect(remoteParent(`00-${TRACE}-${SPAN}-01`, 'a=1,b=2')?.traceState?.get('b')).toBe('2');
    expect(remoteParent(`00-${TRACE}-${SPAN}-01`, 'a='.padEnd(600, '1'))?.traceState).toBeUndefined();
    // A version that is not known yet may say more.
    expect(remoteParent(`01-${TRACE}-${SPAN}-01-more`, undefined)?.traceId).toBe(TRACE);
  });

  it.each([
    undefined,
    '',
    'nonsense',
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-01-more`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
  ])('takes %s for none', (traceparent) => {
    expect(remoteParent(traceparent, 'a=1')).toBeNull();
  });
});
