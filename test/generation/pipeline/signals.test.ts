import { rm } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { DenoisingSessions } from "../../../lib/generation/pipeline/denoiser.ts";
import { openPipeline, type Pipeline } from "../../../lib/generation/pipeline/index.ts";
import { requestFor } from "./request-for.ts";
import { writeTinyModel } from "./tiny-model.ts";

const request = { prompt: "a red circle moves", seed: 5, steps: 4 };

let folder: string;
beforeAll(async () => {
  folder = await writeTinyModel();
});
afterAll(() => rm(folder, { recursive: true }));

describe("the sessions of a pipeline", () => {
  let pipeline: Pipeline;
  let used: DenoisingSessions[];
  beforeEach(async () => {
    used = [];
    pipeline = await openPipeline(
      folder,
      { threads: 1 },
      {
        signals: [],
        through(sessions) {
          used.push(sessions);
          return sessions;
        },
      },
    );
  });
  afterEach(() => pipeline.close());

  const generate = (cache: string, frames?: number) =>
    pipeline.generate(requestFor(pipeline, { ...request, cache, ...(frames !== undefined && { frames }) }));
  const signals = () => used.map((sessions) => [...sessions.signals].sort());

  it("the sessions measure only what the policy asks for", async () => {
    await generate("off");
    expect(signals()).toEqual([[]]);
    expect(used[0]!.full.inputs).not.toContain("previousProbe");
  });

  it("the sessions of a policy with more signals serve one with fewer, as when comparing with off", async () => {
    const alone = await openPipeline(folder, { threads: 1 });
    const off = await alone.generate(requestFor(alone, { ...request, cache: "off" }));
    await alone.close();
    await generate("fast");
    const compared = await generate("off");
    expect(used[1]!.full).toBe(used[0]!.full);
    expect(compared.latent).toEqual(off.latent);
    expect(compared.trace).toEqual(off.trace);
  });

  it("the sessions are opened once more when a policy asks for more, and then serve both", async () => {
    for (const cache of ["static:2", "fast", "static:2", "fast"]) await generate(cache);
    expect(signals()).toEqual([[], ...Array(3).fill(["change", "motionScore"])]);
    expect(new Set(used.map(({ full }) => full)).size).toBe(2);
  });

  it("the sessions of another shape of video do not inherit signals", async () => {
    await generate("fast");
    await generate("off", 1);
    expect(signals()[1]).toEqual([]);
  });
});
