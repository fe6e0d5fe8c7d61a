import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import {
  type CalibrationRun,
  type ProposedCodebook,
  parseCachePolicy,
  proposeCodebook,
  replayAll,
  replayRun,
} from "../../../lib/generation/caching/index.ts";
import { describeModel, measureReuse, openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { requestFor } from "./request-for.ts";

const demo = join(import.meta.dirname, "../../../models/demo");
const steps = 16;
const reach = 4;
const options = { threads: 1 };
const prompts: { prompt: string; seed: number }[] = JSON.parse(
  await readFile(join(demo, "held-out-prompts.json"), "utf8"),
);
const requests = prompts.slice(0, 5).map(({ prompt, seed }) => ({ prompt, seed, steps }));

let runs: CalibrationRun[];
let heldOut: CalibrationRun[];
beforeAll(async () => {
  const model = await describeModel(demo);
  const resolved = requests.map((request) => requestFor({ ...model, model: model.name }, request));
  const measured = await measureReuse(demo, { requests: resolved, reach, options });
  [runs, heldOut] = [measured.slice(0, 3), measured.slice(3)];
});

const policyOf = ({ codebook, motion }: ProposedCodebook) => {
  const rows = codebook.map(({ below, rate }) => (below === null ? { rate } : { below, rate }));
  return { codebook: rows, motion };
};

it("a measurement gives changes and errors at each step against as many earlier steps as were asked for", () => {
  for (const run of [...runs, ...heldOut]) {
    const expected = Array.from({ length: steps }, (_, step) => Math.min(step, reach));
    expect(run.changes.map(({ length }) => length)).toEqual(expected);
    expect(run.errors.map(({ length }) => length)).toEqual(expected);
    expect(run.errors.flat().every((error) => error > 0 && Number.isFinite(error))).toBe(true);
  }
});

it("a measurement gives the changes that a generation reports", async () => {
  const pipeline = await openPipeline(demo, options);
  const { trace } = await pipeline.generate(
    requestFor(pipeline, { ...requests[0]!, cache: { codebook: [{ rate: 1 }] } }),
  );
  await pipeline.close();
  for (const [step, { change, motionScore }] of trace.schedule.entries()) {
    if (step > 0) expect(runs[0]!.changes[step]![0]! / change!).toBeCloseTo(1, 4);
    expect(runs[0]!.motionScores[step]).toBe(motionScore);
  }
});

describe("a codebook proposed from three prompts, on prompts that were held out", () => {
  it.each([1.5, 2])(
    "a codebook for a speedup makes %d steps of each computed one on other prompts, within a fifth",
    async (speedup) => {
      const proposed = proposeCodebook(runs, { speedup }, reach + 1)!;
      const cache = policyOf(proposed);
      const pipeline = await openPipeline(demo, options);
      let computed = 0;
      for (const request of requests.slice(3)) {
        const { trace } = await pipeline.generate(requestFor(pipeline, { ...request, cache }));
        computed += trace.schedule.filter((step) => step.computed).length;
      }
      await pipeline.close();
      const reached = (2 * steps) / computed;
      expect(Math.abs(reached / speedup - 1)).toBeLessThan(0.2);
    },
  );

  it.each([0.05, 0.1])(
    "a codebook for an error predicts with a mean error of %d on other prompts, within three fifths",
    (error) => {
      const proposed = proposeCodebook(runs, { error }, reach + 1)!;
      const policy = parseCachePolicy(policyOf(proposed), { steps, motion: true });
      expect(replayAll(heldOut, policy).error).toBeLessThan(error * 1.6);
      expect(replayAll(heldOut, policy).speedup).toBeGreaterThan(1.2);
    },
  );

  it("the predicted schedule nearly equals the real one, where reuse changes what is measured", async () => {
    const cache = policyOf(proposeCodebook(runs, { error: 0.05 }, reach + 1)!);
    const policy = parseCachePolicy(cache, { steps, motion: true });
    const pipeline = await openPipeline(demo, options);
    for (const [i, request] of requests.slice(3).entries()) {
      const { trace } = await pipeline.generate(requestFor(pipeline, { ...request, cache }));
      const computed = trace.schedule.filter((step) => step.computed).length;
      expect(Math.abs(computed - replayRun(policy, heldOut[i]!).computed.length)).toBeLessThanOrEqual(2);
    }
    await pipeline.close();
  });
});
