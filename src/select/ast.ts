/** The syntax tree of a query. Every node knows its place in the expression and how deep the tree below it is. */
import type { Position } from './fault.js';
import type { Value } from './value.js';

/** A name as it was written; in double quotes its case counts. */
export interface Name {
  readonly text: string;
  readonly quoted: boolean;
}

export type PathStep =
  | { readonly kind: 'name'; readonly name: Name }
  | { readonly kind: 'index'; readonly index: number }
  /** [*]: all elements of a list; .*: all values of an object. In FROM only. */
  | { readonly kind: 'elements' }
  | { readonly kind: 'values' };

export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';
export type AggregateFunction = 'COUNT' | 'SUM' | 'AVG' | 'MIN' | 'MAX';
export type CastType = 'BOOL' | 'INT' | 'STRING' | 'FLOAT' | 'DECIMAL' | 'TIMESTAMP';
export type DatePart = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second';
export type ExtractPart = DatePart | 'timezone_hour' | 'timezone_minute';
export type ScalarFunction =
  'CHAR_LENGTH' | 'LOWER' | 'UPPER' | 'SUBSTRING' | 'COALESCE' | 'NULLIF' | 'TO_TIMESTAMP' | 'TO_STRING' | 'UTCNOW';

interface Node {
  readonly at: Position;
  readonly depth: number;
}

export type Expression = Node &
  (
    | { readonly kind: 'literal'; readonly value: Value }
    | { readonly kind: 'path'; readonly root: Name; readonly steps: readonly PathStep[] }
    | {
        readonly kind: 'compare';
        readonly operator: ComparisonOperator;
        readonly operands: readonly [Expression, Expression];
      }
    | {
        readonly kind: 'arithmetic';
        readonly operator: ArithmeticOperator;
        readonly operands: readonly [Expression, Expression];
      }
    | { readonly kind: 'concatenate'; readonly operands: readonly [Expression, Expression] }
    | { readonly kind: 'negate'; readonly operand: Expression }
    | { readonly kind: 'not'; readonly operand: Expression }
    | { readonly kind: 'and' | 'or'; readonly operands: readonly Expression[] }
    | { readonly kind: 'between'; readonly operand: Expression; readonly low: Expression; readonly high: Expression }
    | { readonly kind: 'in'; readonly operand: Expression; readonly list: readonly Expression[] | Expression }
    | {
        readonly kind: 'like';
        readonly operand: Expression;
        readonly pattern: Expression;
        readonly escape: Expression | null;
      }
    | { readonly kind: 'is'; readonly operand: Expression; readonly what: 'NULL' | 'MISSING' | 'TRUE' | 'FALSE' }
    | {
        readonly kind: 'case';
        /** null: each branch has a condition of its own */
        readonly subject: Expression | null;
        readonly branches: readonly { readonly when: Expression; readonly then: Expression }[];
        readonly otherwise: Expression | null;
      }
    | { readonly kind: 'cast'; readonly operand: Expression; readonly type: CastType }
    | { readonly kind: 'call'; readonly name: ScalarFunction; readonly operands: readonly Expression[] }
    | {
        readonly kind: 'trim';
        readonly side: 'LEADING' | 'TRAILING' | 'BOTH';
        readonly characters: Expression | null;
        readonly operand: Expression;
      }
    | { readonly kind: 'dateAdd'; readonly part: DatePart; readonly quantity: Expression; readonly operand: Expression }
    | { readonly kind: 'dateDiff'; readonly part: DatePart; readonly operands: readonly [Expression, Expression] }
    | { readonly kind: 'extract'; readonly part: ExtractPart; readonly operand: Expression }
    /** operand null: COUNT(*) */
    | { readonly kind: 'aggregate'; readonly name: AggregateFunction; readonly operand: Expression | null }
  );

export type Projection =
  /** '*' and 'alias.*' */
  | { readonly kind: 'all' }
  /** alias null: named by the last step of its path, or by its position */
  | { readonly kind: 'expression'; readonly expression: Expression; readonly alias: string | null };

export interface Statement {
  readonly projections: readonly Projection[];
  /** Some projection aggregates: the result is one record. */
  readonly aggregates: boolean;
  /** Below each record; empty but for JSON. */
  readonly path: readonly PathStep[];
  /** What records are called; null: there is no AS, the name follows from the path. */
  readonly alias: Name | null;
  readonly where: Expression | null;
  readonly limit: number | null;
}
