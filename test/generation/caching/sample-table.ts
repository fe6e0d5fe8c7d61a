import type { ErrorTable } from "../../../lib/generation/caching/index.ts";

/** Creates a table whose videos of 30 steps all have `psnr` dB; it has nothing that a generation would need. */
export function sampleTable(psnr: number): ErrorTable {
  const rungs = [{ budget: -40, psnr: [psnr, psnr, psnr, psnr], computed: 15 }];
  return {
    levels: [],
    residual: [],
    clean: [],
    cleanSquare: 1,
    amplification: [],
    ladders: [{ steps: 30, rungs }],
  };
}
