import { describe, expect, it } from "vitest";
import {
  DEPLOYED_MUTATIONS,
  DISK_MUTATIONS,
  MUTATIONS,
  QUEUE_MUTATIONS,
  STORE_MUTATIONS,
} from "./mutations.ts";
import { simulate, type Topology } from "./simulation.ts";

/** SIM_MUTATIONS=all runs 50 seeds, and includes the mutations that few seeds reveal. */
const isThorough = process.env.SIM_MUTATIONS === "all";
const SEEDS = isThorough ? 50 : 12;
const JOBS = 40;

/** First seeds of mutations that one seed in thirty reveals: 12 from there on contain two of these. */
const FIRST_SEEDS: Readonly<Record<string, number>> = { "an endpoint that is gone is counted on": 47 };

const RARE = [
  "a worker that was replaced may still end the job",
  "the sweeper takes away markers of creations under way",
  "a worker goes on though the job is canceled",
  "a worker goes on though it cannot renew its lease",
  "a job that is over can be canceled",
  "a 409 is taken for a success",
  "leases never end",
  "idempotency keys are forgotten",
];

describe.each<[Topology, typeof MUTATIONS]>([
  ["local", MUTATIONS],
  ["folder", DISK_MUTATIONS],
  ["deployed", DEPLOYED_MUTATIONS],
  ["ecs", QUEUE_MUTATIONS],
  ["pulled", STORE_MUTATIONS],
])("the simulation of a %s service with a mutation", (topology, mutations) => {
  for (const [name, mutation] of Object.entries(mutations)) {
    it.skipIf(!isThorough && RARE.includes(name))(
      `the simulation finds a violation when ${name}`,
      async () => {
        const sentences: string[] = [];
        const first = FIRST_SEEDS[name] ?? 1;
        for (let index = 0; index < SEEDS && (isThorough || sentences.length === 0); index += 1) {
          const { violations } = await simulate(first + index, JOBS, mutation, topology);
          sentences.push(...violations.slice(0, 1));
        }
        if (isThorough) console.log(`${sentences.length}/${SEEDS} ${name}: ${sentences[0]}`);
        expect(sentences.length).toBeGreaterThan(0);
      },
      120_000,
    );
  }
});
