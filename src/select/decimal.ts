/**
 * Decimal numbers of up to 38 significant digits, S3 Select's DECIMAL.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-data-types.html
 */
const MAX_DIGITS = 38;
const LIMIT = 10n ** BigInt(MAX_DIGITS);
/** Digits that are read of a number; what is beyond could not survive rounding. */
const READ_DIGITS = 60;
const MAX_EXPONENT = 2 ** 31 - 1;
/** Zeros that are written out before the notation becomes scientific. */
const PLAIN_ZEROS = 40;

const PATTERN = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,10}))?$/;

export class Decimal {
  /** The value is coefficient * 10 ** exponent. */
  readonly coefficient: bigint;
  readonly exponent: number;

  private constructor(coefficient: bigint, exponent: number) {
    this.coefficient = coefficient;
    this.exponent = exponent;
  }

  /** Rounded half up to 38 digits. */
  static of(coefficient: bigint, exponent: number): Decimal {
    let value = coefficient;
    let power = exponent;
    if (value >= LIMIT || value <= -LIMIT) {
      const surplus = digitsOf(value) - MAX_DIGITS;
      value = divideRounded(value, 10n ** BigInt(surplus));
      power += surplus;
    }
    return new Decimal(value, power);
  }

  /** null when the text is not a number. */
  static parse(text: string): Decimal | null {
    const match = PATTERN.exec(text);
    if (match === null) return null;
    const [, sign = '', whole = '', fraction = '', power = '0'] = match;
    if (whole === '' && fraction === '') return null;
    let digits = (whole + fraction).replace(/^0+/, '');
    let exponent = Number(power) - fraction.length;
    if (digits.length > READ_DIGITS) {
      exponent += digits.length - READ_DIGITS;
      digits = digits.slice(0, READ_DIGITS);
    }
    if (Math.abs(exponent) > MAX_EXPONENT) return null;
    const value = digits === '' ? 0n : BigInt(digits);
    return Decimal.of(sign === '-' ? -value : value, exponent);
  }

  /** Of a finite double: the shortest decimal that reads as the same double. */
  static fromNumber(value: number): Decimal {
    return Decimal.parse(String(value)) ?? new Decimal(0n, 0);
  }

  get negated(): Decimal {
    return new Decimal(-this.coefficient, this.exponent);
  }

  plus(other: Decimal): Decimal {
    if (this.coefficient === 0n) return other;
    if (other.coefficient === 0n) return this;
    const [large, small] = this.exponent >= other.exponent ? [this, other] : [other, this];
    const shift = large.exponent - small.exponent;
    // So far apart that the smaller one is below the last digit of the larger one.
    if (shift > 2 * MAX_DIGITS) return large;
    return Decimal.of(large.coefficient * 10n ** BigInt(shift) + small.coefficient, small.exponent);
  }

  times(other: Decimal): Decimal {
    return Decimal.of(this.coefficient * other.coefficient, this.exponent + other.exponent);
  }

  /** @param divisor not zero */
  dividedBy(divisor: Decimal): Decimal {
    const shift = Math.max(0, MAX_DIGITS + digitsOf(divisor.coefficient) - digitsOf(this.coefficient));
    let quotient = divideRounded(this.coefficient * 10n ** BigInt(shift), divisor.coefficient);
    let exponent = this.exponent - divisor.exponent - shift;
    while (exponent < 0 && quotient !== 0n && quotient % 10n === 0n) {
      quotient /= 10n;
      exponent += 1;
    }
    return Decimal.of(quotient, quotient === 0n ? 0 : exponent);
  }

  /** With the sign of the dividend. @param divisor not zero */
  remainder(divisor: Decimal): Decimal {
    const shift = this.exponent - divisor.exponent;
    // So much smaller that it is its own remainder.
    if (shift < -2 * MAX_DIGITS) return this;
    if (shift >= 0) {
      const power = modularPower(10n, BigInt(shift), divisor.coefficient);
      return Decimal.of((this.coefficient * power) % divisor.coefficient, divisor.exponent);
    }
    return Decimal.of(this.coefficient % (divisor.coefficient * 10n ** BigInt(-shift)), this.exponent);
  }

  /** Negative, zero or positive, as this is less than, equal to or greater than the other. */
  compare(other: Decimal): number {
    const sign = signOf(this.coefficient);
    const otherSign = signOf(other.coefficient);
    if (sign !== otherSign) return sign - otherSign;
    if (sign === 0) return 0;
    if (this.adjusted !== other.adjusted) return (this.adjusted - other.adjusted) * sign;
    const shift = this.exponent - other.exponent;
    const left = shift > 0 ? this.coefficient * 10n ** BigInt(shift) : this.coefficient;
    const right = shift < 0 ? other.coefficient * 10n ** BigInt(-shift) : other.coefficient;
    return left < right ? -1 : left > right ? 1 : 0;
  }

  /** Towards zero; null when it is far beyond an INT. */
  truncated(): bigint | null {
    if (this.coefficient === 0n || this.adjusted < 0) return 0n;
    if (this.adjusted > MAX_DIGITS) return null;
    return this.exponent >= 0
      ? this.coefficient * 10n ** BigInt(this.exponent)
      : this.coefficient / 10n ** BigInt(-this.exponent);
  }

  toNumber(): number {
    return Number(`${this.coefficient}e${this.exponent}`);
  }

  toString(): string {
    const { coefficient, exponent } = this;
    if (exponent === 0) return coefficient.toString();
    const sign = coefficient < 0n ? '-' : '';
    const digits = (coefficient < 0n ? -coefficient : coefficient).toString();
    if (coefficient === 0n) return exponent < 0 && exponent > -PLAIN_ZEROS ? `0.${'0'.repeat(-exponent)}` : '0';
    if (exponent > 0 && exponent <= PLAIN_ZEROS) return sign + digits + '0'.repeat(exponent);
    const point = digits.length + exponent;
    if (exponent < 0 && point > 0) return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
    if (exponent < 0 && point > -PLAIN_ZEROS) return `${sign}0.${'0'.repeat(-point)}${digits}`;
    const rest = digits.slice(1);
    return `${sign}${digits.charAt(0)}${rest === '' ? '' : `.${rest}`}E${point - 1}`;
  }

  /** The exponent of the first digit. */
  private get adjusted(): number {
    return digitsOf(this.coefficient) + this.exponent - 1;
  }
}

function signOf(value: bigint): number {
  return value < 0n ? -1 : value > 0n ? 1 : 0;
}

function digitsOf(value: bigint): number {
  return (value < 0n ? -value : value).toString().length;
}

function divideRounded(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const rest = dividend % divisor;
  const twice = 2n * (rest < 0n ? -rest : rest);
  if (twice < (divisor < 0n ? -divisor : divisor)) return quotient;
  return dividend < 0n === divisor < 0n ? quotient + 1n : quotient - 1n;
}

function modularPower(base: bigint, power: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let left = power; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}
