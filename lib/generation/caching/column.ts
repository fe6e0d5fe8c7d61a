/** A value that a policy writes for every computed step; null stands for what was not known there. */
export interface Column<Key extends string = string> {
  /** Name in a trace; a receipt has it in snake case. */
  readonly key: Key;
  /** Name for people, such as the head of a table's column. */
  readonly label: string;
  /** `count` is a whole number of at least 1. */
  readonly format: "number" | "count";
  /** A sentence. */
  readonly description: string;
  /** The form in charts; columns without one are only in tables. */
  readonly drawing?: Drawing;
}

/** Options of a policy as a trace or a receipt has them: data that was stored, perhaps by another version. */
export type StoredOptions = Readonly<Record<string, unknown>>;

/** A range of values that a policy answers alike. Ranges ascend; the last has no upper end. */
export interface Band {
  readonly below: number | null;
  /** The policy's answer to values in it. */
  readonly label: string;
}

export type Drawing =
  | {
      /** Points on a logarithmic axis, each held until the next computed step. */
      readonly as: "points";
      readonly heading: string;
      /** Key of the column that is drawn instead where it has values. */
      readonly unless?: string;
      readonly bands?: { readonly heading: string; of(options: StoredOptions): readonly Band[] };
    }
  | {
      /** Stairs on a linear axis from 1, each held until the next computed step. */
      readonly as: "stairs";
      readonly heading: string;
      /** Value that the axis reaches at least. */
      top?(options: StoredOptions): number;
    }
  | {
      /** Marks joined by a line, on a linear axis from 0. */
      readonly as: "line";
      readonly heading: string;
    };

export type ColumnValues<Key extends string = string> = { readonly [Name in Key]: number | null };
