/**
 * Measures what float32 copies of 16-bit weights cost on the CPU: `node --import tsx
 * tools/bench/model/sixteen-bit.ts [ROUNDS]`. Runs two layers of UMT5-XXL and two blocks of Wan 1.3B at their
 * published width, with random bfloat16 weights, with copies and with a cast in each run, in turns and each in a fresh
 * process. Prints a table of medians.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { convertModel } from "../../../lib/generation/checkpoint/index.ts";
import { table } from "../markdown.ts";
import { say } from "../rounds.ts";
import { writeModel } from "./random-model.ts";
import { openingSchema } from "./results.ts";
import { type ProbeOptions, probeSession } from "./session-process.ts";
import { shortened, timedModels } from "./timed-models.ts";

const schema = openingSchema.extend({ processor: z.number() });
type Measured = z.infer<typeof schema>;

const ROUNDS = 3;
const MEGABYTE = 1e6;

/** Both ways; few blocks have less weights than a session maps by default. */
const WAYS: Readonly<Record<string, ProbeOptions>> = {
  copies: { holdsCopies: true },
  "cast in each run": { mappedBytesMin: 0 },
};

const rounds = Number(process.argv[2] ?? ROUNDS);
const scratch = await mkdtemp(join(tmpdir(), "adareel-bench-"));
try {
  process.stdout.write(`${await measure(scratch, rounds)}\n`);
} finally {
  await rm(scratch, { recursive: true, force: true });
}

async function measure(scratch: string, rounds: number): Promise<string> {
  const wan = timedModels.find(({ name }) => name === "Wan2.1 1.3B")!;
  const { text_encoder, ...others } = shortened(wan);
  const config = { ...text_encoder.config, num_layers: 2 };
  const parts = { ...others, text_encoder: { ...text_encoder, config } };
  const float32 = join(scratch, "float32");
  const bfloat16 = join(scratch, "bfloat16");
  say("writing the weights");
  const fills = { transformer: "random", text_encoder: "random", vae: "hole" } as const;
  await writeModel(float32, parts, { video: wan.stepVideo, fills });
  await convertModel({ folder: float32, out: bfloat16, dtype: "bfloat16" });
  await rm(float32, { recursive: true });
  const rows: string[][] = [];
  for (const session of ["text", "full"] as const) {
    const measured = new Map<string, Measured[]>(Object.keys(WAYS).map((way) => [way, []]));
    for (let round = 1; round <= rounds; round++) {
      for (const [way, options] of Object.entries(WAYS)) {
        say(`${session}, ${way}, round ${round} of ${rounds}`);
        const probed = await probeSession(bfloat16, session, schema, { video: wan.stepVideo, ...options });
        measured.get(way)!.push(probed);
      }
    }
    rows.push(...rowsOf(session === "text" ? "UMT5-XXL, 2 layers" : "Wan 1.3B, 2 blocks", measured));
  }
  return table(
    ["Part", "Weights", "Open, s", "Run, s of processor", "Ratio", "Memory added, MB"],
    rows,
    [0, 1],
  );
}

function rowsOf(part: string, measured: ReadonlyMap<string, readonly Measured[]>): string[][] {
  const [copies] = measured.values();
  return [...measured].map(([way, probes]) => {
    const ratios = probes.map(({ processor }, round) => processor / copies![round]!.processor);
    const added = probes.map(({ memory }) => (memory ? memory.peak - memory.before : Number.NaN));
    return [
      part,
      way,
      (median(probes.map(({ open }) => open)) / 1000).toFixed(2),
      (median(probes.map(({ processor }) => processor)) / 1000).toFixed(2),
      median(ratios).toFixed(2),
      (median(added) / MEGABYTE).toFixed(0),
    ];
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
