import { type Generation, openPipeline, type Pipeline } from "../../../lib/generation/pipeline/index.ts";
import { resolveRequest } from "../../../lib/generation/request/index.ts";
import { type Frames, psnr, ssim } from "../../../lib/generation/video/index.ts";
import { mean } from "../statistics.ts";
import type { Driven } from "./calibrate.ts";
import type { Calibration } from "./calibration.ts";
import { type Clock, timedBy } from "./clock.ts";
import { type Driver, rivalDriver } from "./driver.ts";
import type { PolicyMethod, SessionKind } from "./methods.ts";
import type { PolicyPrompt } from "./prompts.ts";
import { type PolicyRun, REFERENCE_GROUP } from "./results.ts";

/** Methods between two runs of the reference, so that a slow phase of the machine affects both. */
export const METHODS_PER_REFERENCE = 10;

/** A model folder opened for measurements. */
export interface Bench extends Driven {
  /** Runs a method on one prompt. */
  run(method: PolicyMethod, prompt: PolicyPrompt, calibration: Calibration): Promise<Timed>;
  /** Runs a prompt without cache. */
  reference(prompt: PolicyPrompt, steps: number): Promise<Timed>;
  close(): Promise<void>;
}

export interface BenchOptions {
  /** Threads of each graph. */
  readonly threads: number;
  readonly clock: Clock;
}

export interface Timed {
  readonly frames: Frames;
  readonly denoiseSeconds: number;
  readonly computed: number;
}

/**
 * Opens a model folder. Policies that measure signals or forecast in the graph have pipelines of their own, which are
 * opened when the first of them runs.
 */
export async function openBench(folder: string, { threads, clock }: BenchOptions): Promise<Bench> {
  const driver: Driver = rivalDriver();
  const pipeline = await openPipeline(folder, { threads }, driver.observer);
  const others = new Map<SessionKind, Promise<Pipeline>>();
  const pipelineFor = (kind: SessionKind) => {
    if (kind === "reference") return pipeline;
    const opened = others.get(kind) ?? openPipeline(folder, { threads });
    others.set(kind, opened);
    return opened;
  };
  const generate = async (on: Pipeline, { text, seed }: PolicyPrompt, request: object) =>
    timed(await timedBy(clock, on, resolveRequest({ prompt: text, seed, ...request }, on)));

  return {
    pipeline,
    driver,
    async run({ run }, prompt, calibration) {
      if (run.kind === "request") {
        driver.drive(null);
        return generate(await pipelineFor(run.sessions), prompt, run.request);
      }
      driver.drive((facts) => run.start(facts, calibration));
      const generation = await generate(pipeline, prompt, { steps: calibration.steps, cache: "off" });
      return { ...generation, computed: driver.cost() };
    },
    async reference(prompt, steps) {
      driver.drive(null);
      return generate(pipeline, prompt, { steps, cache: "off" });
    },
    async close() {
      await driver.release();
      await pipeline.close();
      for (const other of others.values()) await (await other).close();
    },
  };
}

function timed({ generation, denoiseSeconds }: { generation: Generation; denoiseSeconds: number }): Timed {
  return {
    frames: generation.frames,
    denoiseSeconds,
    computed: generation.trace.schedule.filter((step) => step.computed).length,
  };
}

/**
 * Measures methods on one prompt, in groups between two runs of the reference. The reference is generated twice at
 * least, and its second video is compared with the first as a method of its own.
 */
export async function measurePrompt(
  bench: Bench,
  prompt: PolicyPrompt,
  methods: readonly PolicyMethod[],
  calibration: Calibration,
): Promise<Omit<PolicyRun, "prompt">[]> {
  const { steps } = calibration;
  const runs: Omit<PolicyRun, "prompt">[] = [];
  const uncached = await bench.reference(prompt, steps);
  const told = (name: { group: string; label: string }, run: Timed, referenceSeconds: number) => {
    const difference = psnr(uncached.frames, run.frames);
    runs.push({
      steps,
      group: name.group,
      label: name.label,
      computed: run.computed,
      denoiseSeconds: run.denoiseSeconds,
      referenceSeconds,
      psnr: difference === Infinity ? null : difference,
      ssim: ssim(uncached.frames, run.frames),
    });
  };
  let before = uncached;
  for (let at = 0; at < methods.length; at += METHODS_PER_REFERENCE) {
    const some = methods.slice(at, at + METHODS_PER_REFERENCE);
    const done: Timed[] = [];
    for (const method of some) done.push(await bench.run(method, prompt, calibration));
    const after = await bench.reference(prompt, steps);
    if (at === 0) told({ group: REFERENCE_GROUP, label: "" }, after, before.denoiseSeconds);
    const seconds = mean([before.denoiseSeconds, after.denoiseSeconds]);
    for (const [index, method] of some.entries()) told(method, done[index]!, seconds);
    before = after;
  }
  return runs;
}
