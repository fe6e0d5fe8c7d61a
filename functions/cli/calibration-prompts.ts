import { readFileSync } from "node:fs";
import { basename } from "node:path";
import * as z from "zod";
import { UsageError } from "../../lib/shared/command-line/index.ts";

/** Prompts that `npm run models -- calibrate` measures. */

export interface CalibrationPrompt {
  readonly prompt: string;
  readonly seed: number;
}

/** Default prompts of codebooks, from no motion to fast motion, so that the codebook suits most videos. */
export const CODEBOOK_PROMPTS = withSeeds(
  [
    "a lighthouse on a cliff at dusk, calm sea, static camera",
    "a cat sits on a wooden table and slowly turns its head towards the window",
    "a red car drives along a mountain road, the camera follows it from above",
    "a crowd dances in the rain under flashing lights, fast motion",
  ],
  0,
);

/** Default prompts of tables: those of codebooks, and six more of people, animals, places and things. */
export const TABLE_PROMPTS = [
  ...CODEBOOK_PROMPTS,
  ...withSeeds(
    [
      "a woman in a green coat walks through a snowy park, seen from behind",
      "waves break on black rocks, close up, slow motion",
      "two children run across a sunny field with a kite, handheld camera",
      "steam rises from a cup of coffee on a desk beside an open book",
      "a city street at night with neon signs, traffic passes quickly, wide shot",
      "a hummingbird hovers in front of a red flower, blurred background",
    ],
    CODEBOOK_PROMPTS.length,
  ),
];

/** First seed of the prompts of the demo model. No benchmark evaluates these seeds. */
const DEMO_SEED = 7000;

/**
 * Default prompts of a table for the demo model, in words that it has learnt. Standing still, slow and fast motion and
 * bouncing are about equally frequent; few things spin, grow or shrink.
 */
export const DEMO_TABLE_PROMPTS = withSeeds(
  [
    "a yellow square spins over a plain purple background",
    "a big green square goes fast to the left over vertical red stripes",
    "a large black square flies slowly down over a plain blue background",
    "an orange triangle grows over vertical red stripes",
    "a large purple circle goes fast to the left over a plain green background",
    "a white triangle stays still in front of a yellow gradient",
    "a small blue circle flies fast to the left on a white checkerboard",
    "a small orange cross stays still over a plain purple background",
    "a big orange cross moves fast down in front of a blue gradient",
    "a black box grows in front of a yellow gradient",
    "a large blue ring bounces around over horizontal red stripes",
    "a black square stays still over vertical green stripes",
    "a big blue cross goes fast to the right over horizontal white stripes",
    "a small orange triangle bounces around over vertical black stripes",
    "a yellow disc bounces around in front of a white gradient",
    "a small red circle flies fast down on a green checkerboard",
    "a small orange ring stays still over vertical purple stripes",
    "a small white disc goes slowly to the right on a red checkerboard",
    "a red triangle bounces around over vertical orange stripes",
    "a large green cross stays still over vertical white stripes",
    "a big orange cross slides slowly down over horizontal red stripes",
    "a white triangle bounces around over a plain purple background",
    "a blue disc bounces around over a plain orange background",
    "a green disc stays still over a plain white background",
    "a yellow disc slides slowly to the right in front of a white gradient",
    "a small purple ball goes slowly to the left over horizontal white stripes",
    "a green box goes slowly to the left on a white checkerboard",
    "a small white ball flies fast to the right over vertical green stripes",
    "a blue ring goes slowly up over a plain green background",
    "a black cross slides fast up over horizontal white stripes",
    "a yellow ring bounces around over vertical green stripes",
    "a black triangle shrinks on a yellow checkerboard",
    "a big white ring goes slowly up in front of an orange gradient",
    "a black cross shrinks in front of a purple gradient",
    "a small orange ball bounces around in front of a yellow gradient",
    "a white ball bounces around over a plain black background",
    "a big yellow triangle stays still over horizontal orange stripes",
    "a red cross stays still over horizontal orange stripes",
    "a blue square spins in front of a purple gradient",
    "a yellow box flies fast up on an orange checkerboard",
  ],
  DEMO_SEED,
);

/**
 * Reads a list of prompts. A prompt without a seed has its place in the list as the seed.
 *
 * @throws UsageError if the file cannot be read, or is no list of 1 to `most` prompts
 */
export function promptsIn(path: string, most: number): CalibrationPrompt[] {
  const entry = z.union([
    z.string(),
    z.looseObject({ prompt: z.string(), seed: z.int().nonnegative().optional() }),
  ]);
  let entries: z.infer<typeof entry>[];
  try {
    entries = z
      .array(entry)
      .min(1)
      .max(most)
      .parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new UsageError(
      `${basename(path)} must be a JSON list of 1 to ${most} prompts, or of objects with prompt and seed.`,
      { cause },
    );
  }
  return entries.map((each, index) => {
    const { prompt, seed } = typeof each === "string" ? { prompt: each } : each;
    return { prompt, seed: seed ?? index };
  });
}

function withSeeds(prompts: readonly string[], first: number): CalibrationPrompt[] {
  return prompts.map((prompt, index) => ({ prompt, seed: first + index }));
}
