import { readFileSync } from "node:fs";
import { basename } from "node:path";
import * as z from "zod";
import { UsageError } from "../../../lib/shared/command-line/index.ts";
import { MOTIONS, type Motion } from "../scenes.ts";

/** Prompts on which policies are compared, and those on which rivals are calibrated. */

export interface PolicyPrompt {
  readonly text: string;
  readonly seed: number;
  /** Null for prompts of a file that does not say it. */
  readonly motion: Motion | null;
}

interface Scene {
  readonly thing: string;
  readonly verb: string;
  readonly direction: string;
  readonly setting: string;
}

/**
 * Scenes in words that the demo model has learnt. None is one of `quality`, and each differs from the others in more
 * than a word.
 */
const scenes: readonly Scene[] = [
  scene("a small red square", "slides", "to the right", "over a plain white background"),
  scene("a big blue circle", "moves", "up", "on a yellow checkerboard"),
  scene("a green triangle", "goes", "to the left", "in front of a purple gradient"),
  scene("an orange ring", "flies", "down", "over vertical blue stripes"),
  scene("a purple cross", "moves", "to the left", "over a plain yellow background"),
  scene("a yellow disc", "slides", "down", "over horizontal green stripes"),
  scene("a large white ball", "flies", "to the right", "on a red checkerboard"),
  scene("a black box", "moves", "up", "in front of an orange gradient"),
  scene("a large red triangle", "goes", "down", "over a plain black background"),
  scene("a small yellow ring", "moves", "to the right", "over vertical purple stripes"),
  scene("a blue cross", "flies", "up", "on a white checkerboard"),
  scene("a green ball", "slides", "to the left", "over horizontal orange stripes"),
  scene("a big orange box", "moves", "down", "in front of a blue gradient"),
  scene("a purple disc", "goes", "up", "over a plain red background"),
  scene("a white square", "moves", "to the left", "on a green checkerboard"),
  scene("a big black circle", "flies", "to the right", "in front of a white gradient"),
];

/** Scenes of the calibration. They share neither words nor seeds with those above. */
const calibrationScenes: readonly Scene[] = [
  scene("a green square", "moves", "to the left", "over a plain blue background"),
  scene("a red ring", "slides", "up", "over horizontal yellow stripes"),
  scene("an orange triangle", "moves", "down", "on a black checkerboard"),
  scene("a purple circle", "flies", "to the right", "in front of a green gradient"),
  scene("a large yellow cross", "moves", "up", "over vertical red stripes"),
  scene("a small white disc", "goes", "to the left", "over a plain orange background"),
  scene("a black ring", "moves", "to the right", "on a blue checkerboard"),
  scene("a blue box", "slides", "down", "in front of a red gradient"),
];

const EVALUATION_SEED = 1000;
const CALIBRATION_SEED = 5000;

/** Prompts of the evaluation: the four motions of the first scene, of the second and so on, each with its own seed. */
export const evaluationPrompts: readonly PolicyPrompt[] = scenes.flatMap((scene, index) =>
  MOTIONS.map((motion, turn) => ({
    text: textOf(scene, motion),
    motion,
    seed: EVALUATION_SEED + index * MOTIONS.length + turn,
  })),
);

/** Prompts of the calibration: each motion twice. */
export const calibrationPrompts: readonly PolicyPrompt[] = calibrationScenes.map((scene, index) => {
  const motion = MOTIONS[index % MOTIONS.length]!;
  return { text: textOf(scene, motion), motion, seed: CALIBRATION_SEED + index };
});

function scene(thing: string, verb: string, direction: string, setting: string): Scene {
  return { thing, verb, direction, setting };
}

function textOf({ thing, verb, direction, setting }: Scene, motion: Motion): string {
  const action = {
    still: "stays still",
    slow: `${verb} slowly ${direction}`,
    fast: `${verb} fast ${direction}`,
    bounce: "bounces around",
  }[motion];
  return `${thing} ${action} ${setting}`;
}

const MOST_PROMPTS = 1000;

const fileSchema = z
  .array(
    z.union([
      z.string().min(1),
      z.object({
        prompt: z.string().min(1),
        seed: z.int().nonnegative().optional(),
        motion: z.enum(MOTIONS).optional(),
      }),
    ]),
  )
  .min(2)
  .max(MOST_PROMPTS);

/**
 * Reads prompts for another model: a JSON list of texts, or of objects with `prompt` and perhaps `seed` and `motion`.
 *
 * @throws UsageError if the file cannot be read, or is not such a list
 */
export function readPrompts(path: string, firstSeed = EVALUATION_SEED): PolicyPrompt[] {
  let list: z.infer<typeof fileSchema>;
  try {
    list = fileSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new UsageError(
      `${basename(path)} must be a JSON list of 2 to ${MOST_PROMPTS} prompts, or of objects with prompt, seed and motion.`,
      { cause },
    );
  }
  return list.map((entry, index) => {
    const { prompt, seed, motion } = typeof entry === "string" ? { prompt: entry } : entry;
    return { text: prompt, seed: seed ?? firstSeed + index, motion: motion ?? null };
  });
}
