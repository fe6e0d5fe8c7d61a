import type { Child } from "hono/jsx";
import type { Field } from "../json-schema.ts";

/** Part of a page of the reference, with an entry in its contents. */
export interface Section {
  /** Anchor of the part. Anchors are kept, because people have saved them. */
  readonly id: string;
  readonly title: string;
  readonly kind: "guide" | "operation" | "object" | "error";
  /** Words by which the search finds the part, besides its title. */
  readonly words?: string;
  readonly content: Child;
  /** Fields that the search finds in the part, by their path in it. */
  readonly fields?: readonly Field[];
}

/** Page of the reference. */
export interface ReferencePage {
  readonly path: string;
  readonly title: string;
  /** Sentence under the title. */
  readonly lead: string;
  readonly sections: readonly Section[];
}
