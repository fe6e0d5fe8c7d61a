/**
 * Prompts of the benchmark: eight scenes, each from standing still to fast, in words that the demo model was
 * trained on.
 */

/** Motions, from still to fast. */
export const MOTIONS = ["still", "slow", "fast", "bounce"] as const;
export type Motion = (typeof MOTIONS)[number];

export interface BenchmarkPrompt {
  readonly text: string;
  readonly motion: Motion;
  /** Seed shared by the four motions of a scene, so that they differ in their words only. */
  readonly seed: number;
}

interface SceneWords {
  readonly thing: string;
  readonly direction: string;
  readonly setting: string;
}

const scenes: readonly SceneWords[] = [
  { thing: "a red circle", direction: "to the left", setting: "over blue stripes" },
  { thing: "a white triangle", direction: "to the right", setting: "over a plain green background" },
  { thing: "a yellow square", direction: "up", setting: "on a purple checkerboard" },
  { thing: "a blue ring", direction: "down", setting: "in front of an orange gradient" },
  { thing: "a green cross", direction: "to the right", setting: "over a plain black background" },
  { thing: "a large orange circle", direction: "down", setting: "over vertical white stripes" },
  { thing: "a purple square", direction: "to the left", setting: "over a yellow gradient" },
  { thing: "a black triangle", direction: "up", setting: "over horizontal red stripes" },
];

/** Number of prompts of a full round: every scene with every motion. */
export const FULL_ROUND = scenes.length * MOTIONS.length;

/**
 * Returns the first `count` prompts: the four motions of the first scene, of the second and so on. After a
 * full round of 32 the same words are repeated with other seeds.
 */
export function benchmarkPrompts(count: number): BenchmarkPrompt[] {
  return Array.from({ length: count }, (_, index) => {
    const motion = MOTIONS[index % MOTIONS.length]!;
    const seed = Math.floor(index / MOTIONS.length);
    return { text: promptText(scenes[seed % scenes.length]!, motion), motion, seed };
  });
}

function promptText({ thing, direction, setting }: SceneWords, motion: Motion): string {
  const action = {
    still: "stays still",
    slow: `moves slowly ${direction}`,
    fast: `moves fast ${direction}`,
    bounce: "bounces around",
  }[motion];
  return `${thing} ${action} ${setting}`;
}
