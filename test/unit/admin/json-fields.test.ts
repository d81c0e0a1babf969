// Bodies of requests to the admin API: what is taken, and that every fault names its field.
import { describe, expect, it } from 'vitest';
import { JsonFields } from '../../../src/admin/json-fields.js';

describe('JsonFields', () => {
  const read = (text: string) => JsonFields.parse(text);

  it('reads what is there and tells what is not', () => {
    const fields = read('{"name": "a", "count": 3, "on": false, "none": null}');
    expect(fields.text('name')).toBe('a');
    expect(fields.integer('count', { min: 0, max: 3 })).toBe(3);
    expect(fields.flag('on')).toBe(false);
    expect(fields.optionalText('none')).toBeNull();
    expect(fields.optionalInteger('absent', { min: 0, max: 1 })).toBeNull();
    expect(fields.optionalFlag('absent')).toBeNull();
    expect(() => fields.done()).not.toThrow();
    expect(() => fields.text('absent')).toThrow('absent is needed and not given.');
  });

  it.each([
    ['not json', /not JSON/],
    ['[]', /must be a JSON object/],
    ['null', /must be a JSON object/],
    ['"text"', /must be a JSON object/],
  ])('refuses the body %s', (text, reason) => {
    expect(() => read(text)).toThrow(reason);
  });

  it('refuses values of other types, and names what it refuses', () => {
    const fields = read('{"a": "", "b": 1.5, "c": 4, "d": "true", "__proto__": 1}');
    expect(() => fields.text('a')).toThrow(/^a must be a text/);
    expect(() => fields.integer('b', { min: 0, max: 9 })).toThrow(/^b must be a whole number from 0 to 9/);
    expect(() => fields.integer('c', { min: 0, max: 3 })).toThrow(/^c must be a whole number from 0 to 3/);
    expect(() => fields.flag('d')).toThrow(/^d must be true or false/);
    expect(() => fields.done()).toThrow(/^__proto__ is not a known field/);
  });
});
