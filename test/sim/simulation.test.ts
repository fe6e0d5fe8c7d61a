import { afterAll, describe, expect, it } from "vitest";
import { type Outcome, simulate, type Topology } from "./simulation.ts";

/**
 * Seeds to run: SIM_SEED=123 runs one, SIM_SEEDS=200 runs seeds 1 to 200; by default a few fixed ones and a new one.
 * SIM_JOBS=500 sets the number of jobs in each. SIM_TOPOLOGY=local, folder, deployed, ecs or pulled limits them to one.
 */
const { SIM_SEED, SIM_SEEDS, SIM_TOPOLOGY, SIM_JOBS = "40" } = process.env;
const jobs = Number(SIM_JOBS);
const fresh = 1000 + Math.floor(Math.random() * 1e9);

function seedsToRun(topology: Topology): number[] {
  if (SIM_SEED) return [Number(SIM_SEED)];
  if (SIM_SEEDS) return Array.from({ length: Number(SIM_SEEDS) }, (_, index) => index + 1);
  if (topology === "pulled" || topology === "ecs") return [1, 10, fresh];
  return topology === "folder" ? [1, fresh] : [1, 10, 22, 60, 126, fresh];
}

const topologies = (["local", "folder", "deployed", "ecs", "pulled"] as const).filter(
  (name) => name === (SIM_TOPOLOGY ?? name),
);

const outcomes: Outcome[] = [];

describe.each(topologies)("the simulation of %s jobs", (topology) => {
  for (const seed of seedsToRun(topology)) {
    it(`every promise is kept and every job ends (SIM_SEED=${seed})`, async () => {
      const outcome = await simulate(seed, jobs, {}, topology);
      outcomes.push(outcome);
      const replay = `SIM_TOPOLOGY=${topology} SIM_SEED=${seed} SIM_JOBS=${jobs} npx vitest run test/sim/simulation.test.ts`;
      expect(outcome.violations, replay).toEqual([]);
    });
  }
});

it.each(topologies)("a seed gives the same run every time (%s)", async (topology) => {
  const tell = (seed: number) => simulate(seed, 20, {}, topology);
  const [first, second, other] = [await tell(7), await tell(7), await tell(8)];
  expect(second).toEqual(first);
  expect(other.traceHash).not.toBe(first.traceHash);
});

afterAll(() => {
  if (!SIM_SEED && !SIM_SEEDS) return;
  const names = Object.keys(outcomes[0]?.figures ?? {}).filter((name) => name !== "settledSeconds");
  const total = (name: string) => outcomes.reduce((sum, { figures }) => sum + figures[name]!, 0);
  const settled = outcomes.map(({ figures }) => figures.settledSeconds!);
  const figures = Object.fromEntries(names.map((name) => [name, total(name)]));
  console.log({ seeds: outcomes.length, ...figures, settledSecondsMax: Math.max(...settled) });
});
