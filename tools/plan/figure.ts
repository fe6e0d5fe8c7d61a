/**
 * Origin of a number: the command line (`given`), the settings of a deployment, our own measurements, publications of
 * others, an assumption, or memory without a source (`recalled`).
 */
export type Origin = "given" | "deployed" | "measured" | "published" | "assumed" | "recalled";

/** Number with its origin. */
export interface Figure {
  readonly value: number;
  readonly origin: Origin;
  /** Source, as a sentence without its full stop: what was measured and when, who published it, why it is assumed. */
  readonly source: string;
}

export const figure = (value: number, origin: Origin, source: string): Figure => ({ value, origin, source });
