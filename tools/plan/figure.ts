/**
 * Where a number comes from: from the command line, from what a deployment is set to, from our own measurements, from
 * those of others, from nothing but judgement, from memory.
 */
export type Origin = "given" | "deployed" | "measured" | "published" | "assumed" | "recalled";

/** A number and why it may be believed. */
export interface Figure {
  readonly value: number;
  readonly origin: Origin;
  /** A sentence without its full stop: what was measured and when, who published it, why it is assumed. */
  readonly source: string;
}

export const figure = (value: number, origin: Origin, source: string): Figure => ({ value, origin, source });
