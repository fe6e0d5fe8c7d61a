import type { ErrorTable, TableFile } from "../../../lib/generation/caching/index.ts";

/** Makes a table of a process whose values at close noise levels are alike. */
export function sampleTable(levels: readonly number[] = [1, 0.75, 0.5, 0.25]): ErrorTable {
  const moments = (reach: number) =>
    levels.map((a) => levels.map((b) => Math.exp(-(((a - b) / reach) ** 2))));
  const rung = (budget: number, computed: number) => ({ budget, psnr: [budget, budget + 2.5], computed });
  return {
    levels: [...levels],
    residual: moments(0.5),
    clean: moments(1),
    cleanSquare: 0.8,
    amplification: levels.map((level) => 1 + level),
    ladders: [
      { steps: 8, rungs: [rung(25, 3), rung(28, 4.5)] },
      { steps: 30, rungs: [rung(25, 8), rung(40, 17.25)] },
    ],
  };
}

/** Makes the contents of a table file. */
export function sampleTableFile(table = sampleTable()): TableFile {
  const hash = "0123456789abcdef".repeat(4);
  return {
    kind: "cache table",
    version: 1,
    madeFor: {
      model: "demo",
      identity: hash,
      precision: "float32",
      sampler: { className: "RFlowScheduler", config: hash },
      guidanceScale: 2,
      width: 64,
      height: 64,
      frames: 16,
    },
    measured: {
      adareel: "0.1.0",
      date: "2026-11-29T20:00:00.000Z",
      command: "npm run models -- calibrate demo --table",
      prompts: [{ prompt: "a red circle", seed: 1 }],
      steps: [8, 30],
    },
    table,
  };
}
