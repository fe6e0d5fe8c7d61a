import * as z from "zod";
import type { Random, Sleep } from "../../shared/ports.ts";
import { type ObjectStore, RecordError, records, unlessDamaged } from "../storage/index.ts";
import { type MeasuredRun, measuredRunSchema } from "./measured-run.ts";

/** Measured runs of each model: the newest, oldest first. */
export interface RunStore {
  /** Resolves to no runs where none was measured, and to "damaged" where they cannot be read. */
  read(model: string): Promise<readonly MeasuredRun[] | "damaged">;
  /** Adds a run, and forgets the oldest ones. Damaged runs are replaced: they are measurements, and come again. */
  add(model: string, run: MeasuredRun): Promise<void>;
}

/** Number of runs that are kept of a model. */
export const RUNS_MAX = 64;

/** Number of runs that opened the model which outlast the others: they are few, and tell how long that takes. */
const COLD_KEPT = 8;

const PREFIX = "runs/";

const runsSchema = z.object({ runs: z.array(measuredRunSchema).max(RUNS_MAX + COLD_KEPT) });

/** Opens the measured runs in a store. */
export function runStore(store: ObjectStore, ports: { random: Random; sleep: Sleep }): RunStore {
  const stored = records(store, runsSchema, ports);

  async function add(model: string, run: MeasuredRun): Promise<void> {
    const key = runsKey(model);
    const updated = await stored.update(key, ({ runs }) => ({ next: { runs: withRun(runs, run) } }));
    if (updated.ok) return;
    const created = await stored.create(key, { runs: [run] });
    if (!created.ok) await add(model, run);
  }

  return {
    async read(model) {
      const found = await stored.read(runsKey(model)).catch(unlessDamaged);
      return found === "damaged" ? found : (found?.value.runs ?? []);
    },
    async add(model, run) {
      try {
        await add(model, run);
      } catch (error) {
        if (!(error instanceof RecordError)) throw error;
        const damaged = await store.get(error.key);
        const first = JSON.stringify({ writes: ["anew"], value: { runs: [run] } });
        const condition = damaged ? { ifMatch: damaged.etag } : { ifAbsent: true };
        // Another worker may be first, whose run is as good.
        await store.put(error.key, new TextEncoder().encode(first), {
          ...condition,
          contentType: "application/json",
        });
      }
    },
  };
}

/** Returns the key of a model's runs. Names of folders may have characters that no key has. */
export function runsKey(model: string): string {
  const name = Buffer.from(model)
    .toString("latin1")
    .replaceAll(/[^A-Za-z0-9._-]/g, (byte) => `=${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return `${PREFIX}${name.slice(0, 180)}.json`;
}

function withRun(runs: readonly MeasuredRun[], run: MeasuredRun): MeasuredRun[] {
  const all = [...runs, run];
  const cold = all.filter(({ isCold }) => isCold).slice(-COLD_KEPT);
  const newest = all.slice(-RUNS_MAX);
  return all.filter((each) => newest.includes(each) || cold.includes(each));
}
