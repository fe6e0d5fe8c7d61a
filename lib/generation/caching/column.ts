/** Description of a value that a policy records for every computed step; the value is null if it was unknown there. */
export interface Column<Key extends string = string> {
  /** Name in a trace; receipts have it in snake case. */
  readonly key: Key;
  /** Name for people, such as the heading of a table column. */
  readonly label: string;
  /** Type of the value; `count` is a whole number of at least 1. */
  readonly format: "number" | "count";
  /** Description in one sentence. */
  readonly description: string;
  /** Form in charts; columns without one appear only in tables. */
  readonly drawing?: Drawing;
}

/** Options of a policy as stored in a trace or a receipt, perhaps by another version of this code. */
export type StoredOptions = Readonly<Record<string, unknown>>;

/** Range of values for which a policy gives the same answer. Ranges ascend; the last has no upper end. */
export interface Band {
  readonly below: number | null;
  /** Answer of the policy for values in the range. */
  readonly label: string;
}

export type Drawing =
  | {
      /** Points on a logarithmic axis, each held until the next computed step. */
      readonly as: "points";
      readonly heading: string;
      /** Key of another column, which is drawn instead if it has values. */
      readonly unless?: string;
      readonly bands?: { readonly heading: string; of(options: StoredOptions): readonly Band[] };
    }
  | {
      /** Stairs on a linear axis from 1, each held until the next computed step. */
      readonly as: "stairs";
      readonly heading: string;
      /** Smallest value at which the axis may end. */
      top?(options: StoredOptions): number;
    }
  | {
      /** Marks joined by a line, on a linear axis from 0. */
      readonly as: "line";
      readonly heading: string;
    };

export type ColumnValues<Key extends string = string> = { readonly [Name in Key]: number | null };
