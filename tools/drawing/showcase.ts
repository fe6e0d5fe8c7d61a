/**
 * Prompts of the README's picture: every shape, the motions, and the backgrounds that the demo model knows, and prompts
 * that leave the background out.
 */
export const SHOWCASE: readonly { readonly prompt: string; readonly seed: number }[] = [
  { prompt: "a red circle moves fast to the left over blue stripes", seed: 1 },
  { prompt: "a yellow ring moves slowly up over purple stripes", seed: 2 },
  { prompt: "a green cross spins over a plain black background", seed: 3 },
  { prompt: "an orange triangle grows over a green gradient", seed: 4 },
  { prompt: "a white square shrinks on a red checkerboard", seed: 5 },
  { prompt: "a black triangle flies down over horizontal red stripes", seed: 6 },
  { prompt: "a blue ball bouncing", seed: 7 },
  { prompt: "a red circle", seed: 8 },
];
