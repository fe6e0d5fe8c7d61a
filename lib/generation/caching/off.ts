import * as z from "zod";
import { type CacheState, policyKind } from "./policy.ts";

const state: CacheState<never, never> = {
  ask: () => ({ answer: "compute", next: state }),
  tell: () => ({ values: {}, next: state }),
};

/** Computes every step: the generation without caching. */
export const off = policyKind({
  name: "off",
  forms: [
    {
      word: "off",
      choice: { label: "Off", meaning: "Computes every denoising step." },
      options: () => ({}),
    },
  ],
  options: z.strictObject({}),
  signals: [],
  columns: [],
  start: () => state,
});
