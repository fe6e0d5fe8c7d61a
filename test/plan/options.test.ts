import { describe, expect, test } from "vitest";
import { recipeNames } from "../../lib/distribution/hub/index.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";
import { BACKENDS } from "../../tools/plan/backends/index.ts";
import { denoisingSeconds, MODELS, videoSeconds } from "../../tools/plan/models.ts";
import { type PlanOptions, parsePlan } from "../../tools/plan/options.ts";

function planned(...args: string[]): PlanOptions {
  const command = parsePlan(args);
  if (command.kind !== "plan") throw new TypeError("no plan was asked for");
  return command.options;
}

test("the default settings are those of a deployment", () => {
  expect(planned("--model", "latte-1")).toMatchObject({
    videosPerDay: 1000,
    profile: "flat",
    instanceTypes: ["ml.g6e.2xlarge"],
    instancesMax: [1],
    idleMinutes: [5],
    scaling: ["backlog"],
    deadlineSeconds: 3600,
    coldStartSeconds: { least: 300, most: 660 },
    hasWaf: false,
  });
});

test("a backend has its own types, starts and prices", () => {
  expect(planned("--model", "latte-1", "--backend", "ecs")).toMatchObject({
    backend: "ecs",
    instanceTypes: ["g6e.2xlarge"],
    speed: { value: 0.7 },
    coldStartSeconds: BACKENDS.ecs.coldStart,
  });
});

test("lists, ranges and names are parsed", () => {
  const options = planned(
    ...["--model", "latte-1", "--instance-types", "ml.g5.xlarge, ml.g6.xlarge", "--instances-max", "2,8"],
    ...["--idle-minutes", "3,15", "--cold-start-seconds", "400", "--profile", "office", "--waf"],
  );
  expect(options).toMatchObject({
    instanceTypes: ["ml.g5.xlarge", "ml.g6.xlarge"],
    instancesMax: [2, 8],
    idleMinutes: [3, 15],
    coldStartSeconds: { least: 400, most: 400, figure: { origin: "given" } },
    profile: "office",
    hasWaf: true,
  });
});

describe("the time of a video", () => {
  test("the time of a video by preset is the published latency and the work around it", () => {
    expect(videoSeconds(MODELS["open-sora-1.2"]!["480p"]!, "off", 1)).toBeCloseTo(57.02, 9);
    expect(videoSeconds(MODELS["open-sora-1.2"]!["480p"]!, "fast", 2)).toBeCloseTo(24.16 / 2 + 3, 9);
  });

  test("the time of a video by steps adds up computed and reused ones", () => {
    const { model } = planned(
      ...["--model", "own", "--steps", "50", "--step-seconds", "2", "--reused-ratio", "0.1"],
      ...["--computed-fast", "10", "--encode-seconds", "1", "--decode-seconds", "4", "--write-seconds", "3"],
    );
    expect(denoisingSeconds(model.denoising, "off")).toBeCloseTo(100, 9);
    expect(denoisingSeconds(model.denoising, "fast")).toBeCloseTo(2 * (10 + 40 * 0.1), 9);
    expect(videoSeconds(model, "fast", 2)).toBeCloseTo((1 + 28 + 4) / 2 + 3, 9);
  });

  test("the time of a video is never longer with a cache", () => {
    const all = Object.entries(MODELS).flatMap(([name, sizes]) =>
      Object.entries(sizes).map(([size, model]) => [`${name} ${size}`, model] as const),
    );
    for (const [name, model] of all) {
      const [off, slow, fast] = (["off", "slow", "fast"] as const).map((cache) =>
        videoSeconds(model, cache, 1),
      );
      expect(fast, name).toBeLessThan(slow!);
      expect(slow, name).toBeLessThan(off!);
    }
  });

  test("the time of a video says of each number whether it was given, measured, published or assumed", () => {
    const { model } = planned("--model", "own", "--steps", "60", "--step-seconds", "2");
    if (model.denoising.by !== "steps") throw new TypeError("it was given by steps");
    expect(model.denoising.stepSeconds.origin).toBe("given");
    // The same share as of the demo model's 30 steps.
    expect(model.denoising.computedSteps.fast).toMatchObject({ value: 20.2, origin: "assumed" });
    expect(model.decode.origin).toBe("assumed");
    expect(planned("--model", "demo", "--decode-seconds", "1").model.decode.origin).toBe("given");
  });
});

test("a plan's models have the names of npm run models, whether they were timed or not", () => {
  for (const name of Object.keys(MODELS)) expect(["demo", ...recipeNames]).toContain(name);
  for (const name of recipeNames)
    expect(planned("--model", name, "--steps", "50", "--step-seconds", "9").model.title).toContain(name);
});

describe("the speed of an instance", () => {
  const speed = (...args: string[]) => planned("--model", ...args).speed;

  test("the speed of another GPU than the one that was timed is assumed from data sheets, and can be given", () => {
    // The square root of 362 / 312 and 864 / 2039.
    expect(speed("latte-1")).toMatchObject({ value: 0.7, origin: "assumed" });
    expect(speed("latte-1").source).toMatch(/the L40S of the instance has 0\.42 to 1\.16 of the A100's /);
    expect(speed("latte-1", "--instance-types", "ml.p5.4xlarge").value).toBe(2.28);
    expect(speed("wan2.1-1.3b").source).toContain("RTX 4090");
    expect(speed("latte-1", "--speed", "0.9")).toMatchObject({ value: 0.9, origin: "given" });
  });

  test("the speed of your own measurements, and of times without a GPU, is that of the instance", () => {
    expect(speed("own", "--steps", "9", "--step-seconds", "1").value).toBe(1);
    expect(speed("demo", "--instance-types", "ml.g5.xlarge").value).toBe(1);
  });
});

test("the size chooses among the videos that were timed", () => {
  expect(planned("--model", "open-sora-1.2").model.title).toContain("480p");
  expect(planned("--model", "open-sora-1.2", "--size", "720p").model.title).toContain("720p");
});

describe("what cannot be planned", () => {
  const cases: Record<string, { args: string[]; says: RegExp }> = {
    "no model": { args: [], says: /--model is missing: choose demo, / },
    "an unknown model": { args: ["--model", "sora"], says: /no model sora/ },
    "a name every object has": { args: ["--model", "constructor"], says: /no model constructor/ },
    "a size that nobody timed": {
      args: ["--model", "open-sora-1.2", "--size", "240p"],
      says: /No videos of open-sora-1\.2 with the size 240p were timed: choose 480p or 720p/,
    },
    "a size of an own model": { args: ["--model", "own", "--size", "480p"], says: /leave --size out/ },
    "a model that nobody timed": {
      args: ["--model", "wan2.1-14b"],
      says: /wan2\.1-14b needs both --steps and --step-seconds, because nobody has timed it yet/,
    },
    "no videos": { args: ["--model", "demo", "--videos-per-day", "0"], says: /--videos-per-day must be/ },
    "too many videos": {
      args: ["--model", "demo", "--videos-per-day", "1e6"],
      says: /--videos-per-day must be/,
    },
    "more videos than can be held": {
      args: ["--model", "demo", "--videos-per-day", "100000", "--days", "366"],
      says: /36600000 videos are too many/,
    },
    "an unknown backend": {
      args: ["--model", "demo", "--backend", "k8s"],
      says: /sagemaker, ecs, got "k8s"/,
    },
    "another backend's type": {
      args: ["--model", "demo", "--backend", "ecs", "--instance-types", "ml.m5.xlarge"],
      says: /ECS names instance types without ml\.: say --instance-types m5\.xlarge\./,
    },
    "a setting of a deployment": {
      args: ["--model", "demo", "-c", "backend=ecs"],
      says: /^-c is for cdk and preflight: say --backend/,
    },
    "another backend's scaling": {
      args: ["--model", "demo", "--backend", "ecs", "--scaling", "steady"],
      says: /--scaling belongs to --backend sagemaker/,
    },
    "an unknown profile": { args: ["--model", "demo", "--profile", "night"], says: /flat, office, bursts/ },
    "an unknown type": { args: ["--model", "demo", "--instance-types", "ml.g5.xlarge,g6"], says: /"g6"/ },
    "a short window": {
      args: ["--model", "demo", "--idle-minutes", "5,1"],
      says: /--idle-minutes must be a whole number from 3 to 60, got "1"/,
    },
    "a setting twice": {
      args: ["--model", "demo", "--instances-max", "2,2"],
      says: /--instances-max names 2 twice/,
    },
    "a type twice": {
      args: ["--model", "demo", "--instance-types", "ml.m5.xlarge,ml.m5.xlarge"],
      says: /--instance-types names ml\.m5\.xlarge twice: leave one of them out/,
    },
    "an unknown scaling": {
      args: ["--model", "demo", "--scaling", "fast"],
      says: /--scaling must be one of backlog, steady, got "fast"/,
    },
    "a deadline that no request may have": {
      args: ["--model", "demo", "--timeout-seconds", "9"],
      says: /--timeout-seconds must be a whole number from 10 to 21600, got "9"/,
    },
    "half a step": {
      args: ["--model", "demo", "--steps", "1.5"],
      says: /--steps must be a whole number from 1 to 1000, got "1\.5"/,
    },
    "steps that take no time": {
      args: ["--model", "own", "--steps", "9", "--step-seconds", "0"],
      says: /--step-seconds must be a number from 0\.001 to 3600, got "0"/,
    },
    "a GPU's times on a CPU": {
      args: ["--model", "latte-1", "--instance-types", "ml.m5.xlarge"],
      says: /ml\.m5\.xlarge has no GPU, and latte-1 was timed on one: .* --speed/,
    },
    "an empty list": { args: ["--model", "demo", "--instances-max", ""], says: /--instances-max must be/ },
    "a range upside down": { args: ["--model", "demo", "--cold-start-seconds", "9-3"], says: /300-660/ },
    "half a model": { args: ["--model", "own", "--steps", "30"], says: /both --steps and --step-seconds/ },
    "steps of a latency": { args: ["--model", "latte-1", "--computed-fast", "9"], says: /both --steps/ },
    "more computed steps than steps": {
      args: ["--model", "demo", "--computed-fast", "31"],
      says: /at most the number of steps, 30/,
    },
    "no number": { args: ["--model", "demo", "--speed", "fast"], says: /--speed must be a number/ },
    "an empty number": { args: ["--model", "demo", "--load-seconds", ""], says: /--load-seconds must be/ },
    "options of the document": { args: ["--document", "--waf"], says: /takes no other options/ },
  };
  for (const [title, { args, says }] of Object.entries(cases)) {
    test(`a plan with ${title} is refused in one sentence`, () => {
      expect(() => parsePlan(args)).toThrow(UsageError);
      expect(() => parsePlan(args)).toThrow(says);
      expect(() => parsePlan(args)).toThrow(/^[^\n]*\.$/);
    });
  }
});
