import { expect, test } from "vitest";
import { runPowerCuts } from "./power-cuts.ts";

const seeds = Number(process.env.SIM_SEEDS ?? 150);

test("a folder store keeps what it promised through kills and power cuts between any two calls", async () => {
  const found: string[] = [];
  for (let seed = 1; seed <= seeds; seed += 1) {
    const violations = await runPowerCuts({ seed });
    found.push(...violations.slice(0, 1).map((sentence) => `seed ${seed}: ${sentence}`));
  }
  expect(found).toEqual([]);
}, 60_000);
