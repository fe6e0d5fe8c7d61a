import * as z from "zod";
import { circumstancesSchema } from "../machine.ts";
import { quantile, ratios, type Spread, spread } from "../statistics.ts";

/** Graphs of a generation, each with its own session. */
export const SESSIONS = ["full", "reuse", "decoder", "text"] as const;
export type SessionName = (typeof SESSIONS)[number];

/** Values of each round, in order. Ours and PyTorch take turns, so ratios are computed per round. */
const rounds = z.array(z.number().positive()).min(1);

/** Milliseconds of single steps, as torch_step.py prints them. */
export const torchTimesSchema = z.object({ written: rounds, fused: rounds });

const torchSchema = z.object({
  version: z.string(),
  /** Milliseconds of a step with attention as tools/demo-model/stdit3.py writes it out. */
  written: rounds,
  /** Milliseconds of a step with scaled_dot_product_attention. */
  fused: rounds,
});

const timingSchema = z.object({
  threads: z.int().positive(),
  /** Median milliseconds of each round. */
  computed: rounds,
  reused: rounds,
  /** Milliseconds with a guidance scale of 1, which computes the conditional half only. */
  unguided: z.object({ computed: rounds, reused: rounds }),
  /** Timings of PyTorch, or a sentence that says why it was not timed. */
  torch: z.union([torchSchema, z.string()]),
});

/** Measurements of a session that was opened and run in a fresh process. */
export const probeSchema = z.object({
  /** Milliseconds to build the graph, and to open a session. */
  build: z.number(),
  open: z.number(),
  graphBytes: z.number(),
  /** Bytes added to the process by opening, and by opening and one run; null where /proc is missing. */
  memory: z
    .object({
      opened: z.object({ anonymous: z.number(), file: z.number() }),
      ran: z.object({ anonymous: z.number(), file: z.number() }),
    })
    .nullable(),
});

const segmentSchema = z.object({
  /** Reused steps after the computed one. */
  reused: z.int().positive(),
  /** Milliseconds of all steps in one run, and one by one. */
  segment: rounds,
  stepwise: rounds,
  graphBytes: z.number(),
  /** Milliseconds to open the session. */
  open: z.number(),
});

const segmentsSchema = z.object({
  threads: z.int().positive(),
  lengths: z.array(segmentSchema).min(1),
});

/** All measurements of `step`; the report is written from them. */
export const stepResultsSchema = z.object({
  kind: z.literal("step"),
  circumstances: circumstancesSchema,
  timings: z.array(timingSchema).min(1),
  segments: segmentsSchema,
  sessions: z.array(z.object({ name: z.enum(SESSIONS), probes: z.array(probeSchema).min(1) })),
  command: z.object({
    prompt: z.string(),
    /** Seconds from command to MP4 for each cache policy, in fresh processes. */
    runs: z.array(z.object({ cache: z.string(), seconds: rounds })),
  }),
});

export type StepResults = z.infer<typeof stepResultsSchema>;
export type SegmentResults = z.infer<typeof segmentsSchema>;
export type StepTiming = z.infer<typeof timingSchema>;
export type SessionProbe = z.infer<typeof probeSchema>;

/** Summary of the timings with one number of threads. */
export interface TimingSummary {
  readonly threads: number;
  /** Milliseconds. */
  readonly computed: Spread;
  readonly reused: Spread;
  /** Time of a reused step divided by that of a computed step, per round. */
  readonly reusedShare: Spread;
  readonly unguided: UnguidedSummary;
  readonly torch: TorchSummary | string;
}

/** Summary of steps that compute the conditional half only. */
export interface UnguidedSummary {
  /** Milliseconds. */
  readonly computed: Spread;
  readonly reused: Spread;
  /** Time of a computed step with guidance divided by that without, per round; above 1 if without is faster. */
  readonly computedRatio: Spread;
  /** Time of a reused step with guidance divided by that without, per round. */
  readonly reusedRatio: Spread;
}

export interface TorchSummary {
  readonly version: string;
  /** Faster of the two forms of attention. */
  readonly attention: "written" | "fused";
  /** Milliseconds. */
  readonly step: Spread;
  /** Time of PyTorch's step divided by that of ours, per round; above 1 if ours is faster. */
  readonly ratio: Spread;
}

export function summariseTiming({ threads, computed, reused, unguided, torch }: StepTiming): TimingSummary {
  return {
    threads,
    computed: spread(computed),
    reused: spread(reused),
    reusedShare: spread(ratios(reused, computed)),
    unguided: {
      computed: spread(unguided.computed),
      reused: spread(unguided.reused),
      computedRatio: spread(ratios(computed, unguided.computed)),
      reusedRatio: spread(ratios(reused, unguided.reused)),
    },
    torch: typeof torch === "string" ? torch : summariseTorch(torch, computed),
  };
}

function summariseTorch(torch: z.infer<typeof torchSchema>, computed: readonly number[]): TorchSummary {
  const attention = quantile(torch.fused, 0.5) < quantile(torch.written, 0.5) ? "fused" : "written";
  const step = torch[attention];
  return {
    version: torch.version,
    attention,
    step: spread(step),
    ratio: spread(ratios(step, computed)),
  };
}
