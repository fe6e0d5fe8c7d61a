import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { limitToWords, writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { runGenerate, startGenerate } from "./run-generate.ts";

const prompt = "a red circle moves fast to the left over blue stripes";

let model: string;
let folder: string;

beforeAll(async () => {
  model = await writeTinyModel();
  await limitToWords(model);
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-cli-"));
  return () => rm(folder, { recursive: true, force: true });
});

afterAll(() => rm(model, { recursive: true, force: true }));

const generate = (...args: string[]) => runGenerate([...args, "--model", model], folder);

describe("a generation", () => {
  test("a generation writes the video into the user's folder and reports schedule, stages and saving", async () => {
    const { code, stdout } = await generate(prompt, "--seed", "7", "--steps", "12", "--cache", "fast");
    expect(code).toBe(0);
    const path = "out/a-red-circle-moves-fast-to-the-left-over-blue-stripes-7.mp4";
    const [file, facts, strip, note, denoise, stages, ...more] = stdout.trimEnd().split("\n");
    expect(file).toMatch(new RegExp(`^${path}: 16x16, 4 frames at 8 fps, [\\d.]+ kB \\(\\w+\\)$`));
    expect(facts).toMatch(/^model adareel-tiny-model-\w+, seed 7, guidance 4, cache fast$/);
    expect(strip).toMatch(/^[█·]{12} \d+ of 12 steps computed$/);
    expect(note).toMatch(/^The model makes videos in 6 steps, so there is nothing to save: /);
    expect(denoise).toMatch(
      /^denoise \d\S* s instead of about \d\S* s: (equally fast|\d\S* times as (fast|slow))$/,
    );
    expect(stages).toMatch(/^load .* s, encode .* s, decode .* s, write .* s$/);
    expect([more, existsSync(join(folder, path))]).toEqual([[], true]);
  });

  test("a generation prints one JSON object with the seed it drew and the whole schedule", async () => {
    const { code, stdout } = await generate(prompt, "--json", "--steps", "5", "--out", "x.mp4");
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ video: join(folder, "x.mp4"), prompt, steps: 5, cache: "auto" });
    expect(Number.isSafeInteger(report.seed)).toBe(true);
    expect(report.schedule).toHaveLength(5);
  });

  test("a generation writes the trace with every field of every step", async () => {
    const args = ["--steps", "20", "--cache", "slow", "--trace", "trace.json", "--out", "x.mp4"];
    expect((await generate(prompt, ...args)).code).toBe(0);
    const trace = JSON.parse(await readFile(join(folder, "trace.json"), "utf8"));
    expect(Object.keys(trace)).toEqual([
      "model",
      "steps",
      "cache",
      "codebook",
      "motion",
      "warmup",
      "forecast",
      "schedule",
    ]);
    expect(trace.codebook.at(-1)).toEqual({ below: null, rate: 1 });
    expect(trace.schedule.map((step: { step: number }) => step.step)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    for (const step of trace.schedule) {
      const fields = ["step", "computed", "change", "motionScore", "motionFactor", "distance", "rate"];
      expect(Object.keys(step)).toEqual(fields);
      if (!step.computed) expect([step.change, step.distance, step.rate]).toEqual([null, null, null]);
    }
  });

  test("a generation follows a codebook file of the user, and leaves motion out", async () => {
    await writeFile(join(folder, "mine.json"), `{"name": "mine", "codebook": [{"rate": 4}]}`);
    const args = ["--cache", "mine.json", "--steps", "12", "--json", "--out", "x.mp4"];
    const report = JSON.parse((await generate(prompt, ...args)).stdout);
    expect(report).toMatchObject({ cache: "mine", motion: null });
    const computed = report.schedule.filter((step: { computed: boolean }) => step.computed);
    // The second step is the first with a measured change, hence a rate; the last two are always computed.
    expect(computed.map((step: { step: number }) => step.step)).toEqual([1, 2, 6, 10, 11, 12]);
  });

  test("a generation computes the warm-up steps of the codebook file or of the option", async () => {
    const computed = async (...args: string[]) => {
      const { stdout } = await generate(prompt, "--steps", "12", "--json", "--out", "x.mp4", ...args);
      const { warmup, schedule } = JSON.parse(stdout);
      const steps = schedule.filter((step: { computed: boolean }) => step.computed);
      return [warmup, ...steps.map((step: { step: number }) => step.step)];
    };
    await writeFile(join(folder, "warm.json"), `{"codebook": [{"rate": 4}], "warmup": 3}`);
    expect(await computed("--cache", "static:4", "--warmup", "3")).toEqual([3, 1, 2, 3, 5, 9, 12]);
    expect(await computed("--cache", "warm.json")).toEqual([3, 1, 2, 3, 7, 11, 12]);
    expect(await computed("--cache", "warm.json", "--warmup", "4")).toEqual([4, 1, 2, 3, 4, 8, 11, 12]);
  });

  test("a generation says in its report that motion was regularised, and that there was a warm-up", async () => {
    const args = ["--motion", "on", "--warmup", "5"];
    const { stdout } = await generate(prompt, "--steps", "5", ...args, "--out", "x.mp4");
    expect(stdout).toContain(", cache fast, motion regularised, warm-up 5\n");
  });

  test("a generation computes the steps that it promised, and says in both reports what came of it", async () => {
    const args = ["--steps", "12", "--cache", "computed_steps:5", "--out", "x.mp4"];
    const { code, stdout } = await generate(prompt, ...args);
    expect(code).toBe(0);
    expect(stdout).toContain(" 5 of 12 steps computed\npromised 5 computed steps: kept\n");
    const report = JSON.parse((await generate(prompt, ...args, "--json")).stdout);
    expect(report).toMatchObject({
      cache: "computed_steps:5",
      computedSteps: 5,
      goal: { computed_steps: 5 },
      promise: { asked: { computed_steps: 5 }, predictedSeconds: null, auditedDb: null, kept: true },
    });
  });

  test("a generation of few steps says that there is nothing to save, unless its cache is off", async () => {
    const args = [prompt, "--steps", "5", "--out", "x.mp4"];
    const note = "A run of 5 steps has nothing to save: ";
    expect((await generate(...args)).stdout).toContain(`${note}every step was computed.\n`);
    expect((await generate(...args, "--cache", "slow")).stdout).toContain(
      `${note}auto would compute every step.\n`,
    );
    expect((await generate(...args, "--quality", "lossless")).stdout).not.toContain("nothing to save");
  });

  test("a comparison uses the same seed without cache and writes one page with both videos", async () => {
    const { code, stdout } = await generate(prompt, "--compare", "--steps", "12", "--out", "x.mp4");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^denoise .* s instead of .* s without cache: /m);
    expect(stdout).toMatch(
      /^(against the video without cache: PSNR [\d.]+ dB, SSIM [\d.]+|no pixel differs .*)$/m,
    );
    expect(stdout).toMatch(/\nboth side by side: x\.html\n$/);
    const page = readFileSync(join(folder, "x.html"), "utf8");
    expect(page.match(/data:video\/mp4;base64,/g)).toHaveLength(2);
    expect((await readdir(folder)).sort()).toEqual(["x.html", "x.mp4"]);
  });

  test("a generation says that a prompt was cut at the model's limit", async () => {
    const { code, stdout } = await generate("a red circle ".repeat(20), "--steps", "2", "--out", "x.mp4");
    expect(code).toBe(0);
    expect(stdout).toContain("cut after 16 tokens");
  });

  test("a generation names the words that the model does not know, in both reports", async () => {
    const args = ["a dog moves, over a Beach.", "--negative", "fog", "--steps", "2", "--out", "x.mp4"];
    const { stdout } = await generate(...args);
    expect(stdout).toMatch(
      /^The adareel-tiny-model-\w+ model does not know the words dog, Beach, fog: README\.md/m,
    );
    const report = JSON.parse((await generate(...args, "--json")).stdout);
    expect(report.unknownWords).toEqual(["dog", "Beach", "fog"]);
  });

  test("a generation reports the guidance of both transformers and both pictures, as they were asked for", async () => {
    const golden = join(import.meta.dirname, "../golden/pipelines/wan-pictures");
    const wan = join(folder, "wan");
    await cp(join(golden, "two"), wan, { recursive: true });
    await cp(join(import.meta.dirname, "../../models/demo/tokenizer"), join(wan, "tokenizer"), {
      recursive: true,
    });
    const [image, lastImage] = [join(golden, "first.png"), join(golden, "last.png")];
    const pictures = ["--image", image, "--last-image", lastImage];
    const scales = ["--guidance-scale", "5", "--guidance-scale-2", "3"];
    const args = [prompt, "--model", wan, ...pictures, ...scales, "--steps", "2", "--out", "x.mp4"];
    expect((await runGenerate(args, folder)).stdout).toMatch(/^model wan, seed \d+, guidance 5, then 3, /m);
    const report = JSON.parse((await runGenerate([...args, "--json"], folder)).stdout);
    expect(report).toMatchObject({ image, lastImage, guidance: 5, guidance2: 3 });
  });

  test("a generation without ffmpeg makes a video and ends", async () => {
    const args = [prompt, "--steps", "2", "--out", "x.mp4", "--model", model];
    const { code, stdout } = await runGenerate(args, folder, { PATH: folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(/\((webcodecs|webp)\)/);
  });

  test("a generation has the same bytes for the same seed", async () => {
    for (const out of ["a.mp4", "b.mp4"]) await generate(prompt, "--seed", "5", "--out", out);
    expect(await readFile(join(folder, "a.mp4"))).toEqual(await readFile(join(folder, "b.mp4")));
  });
});

describe("bad input", () => {
  const usage: [name: string, args: string[], says: RegExp][] = [
    ["no prompt", [], /^Give a prompt in quotes, as in: npm run generate -- ".*" --seed 1$/],
    ["an empty prompt", [""], /^The prompt is empty/],
    ["a prompt without quotes", ["a", "red", "circle"], /^Put the whole prompt in quotes/],
    ["no steps", [prompt, "--steps", "0"], /^--steps takes a whole number from 1 to 1000, not 0\.$/],
    [
      "10000 steps",
      [prompt, "--num-inference-steps", "10000"],
      /^--num-inference-steps takes a whole number/,
    ],
    ["steps that are no number", [prompt, "--steps", "many"], /^--steps takes a number, not "many"/],
    [
      "a negative seed",
      [prompt, "--seed=-2"],
      /^--seed takes a whole number of at least -1, not -2; leave it out/,
    ],
    ["an output of another kind", [prompt, "--out", "x.gif"], /or a folder that ends in \/, not "x\.gif"/],
    ["one name for two results", [prompt, "--out", "x.mp4", "--trace", "x.mp4"], /cannot hold two results/],
    ["an unknown flag", [prompt, "--fast"], /^Unknown option '--fast'; see --help/],
    ["a misspelt flag", [prompt, "--compre"], /^Unknown option '--compre'; did you mean --compare\?/],
    [
      "a flag without its value",
      [prompt, "--seed"],
      /^--seed takes a value: write --seed N, or --seed=N if it begins with a dash\.$/,
    ],
    ["a model that is not there", [prompt, "--model", "latte-1"], /which has demo\. .* -- add latte-1$/],
    ["a model folder that is missing", [prompt, "--model", "/nowhere"], /^There is no folder \/nowhere; /],
    [
      "a negative seed after a blank",
      [prompt, "--seed", "-2"],
      /^--seed takes .* leave it out to draw one\.$/,
    ],
    ["a dash where a value belongs", [prompt, "--seed", "-x"], /^--seed takes a value: .*--seed=N/],
    [
      "a size the model cannot do",
      [prompt, "--size", "640x480"],
      /makes 16x16 or 32x16; 640x480 is not possible/,
    ],
    ["a size that is none", [prompt, "--size", "big"], /^--size takes width x height/],
    ["a length the model cannot do", [prompt, "--frames", "9"], /makes 1 or 4 frames; 9 is not possible/],
    [
      "seconds the model cannot do",
      [prompt, "--seconds", "9"],
      /makes .* s \(1 or 4 frames at .* a second\); 9 s is/,
    ],
    [
      "no seconds",
      [prompt, "--seconds", "0"],
      /^--seconds takes a number of seconds above 0, such as 2, not 0\.$/,
    ],
    [
      "two names of a flag at odds",
      [prompt, "--steps", "5", "--num-inference-steps", "6"],
      /^--steps and --num-inference-steps say different things: give one of them\.$/,
    ],
    [
      "an unknown cache policy",
      [prompt, "--cache", "turbo"],
      /^--cache takes off, auto, fast, slow, static:3/,
    ],
    [
      "a promise of 0 dB",
      [prompt, "--cache", "at_least:0dB"],
      /^--cache needs a number of dB from 1 to 100 after the colon, for example at_least:35dB\.$/,
    ],
    [
      "a promise in dB of a model without a table",
      [prompt, "--cache", "at_least:35dB"],
      /^A promise in dB needs a table .*: run npm run models -- calibrate adareel-tiny-model-\w+ --table\.$/m,
    ],
    [
      "more computed steps than steps",
      [prompt, "--steps", "8", "--cache", "computed_steps:9"],
      /^The number of computed steps is 9: it is a whole number from 1 to the 8 of the run\.$/m,
    ],
    [
      "a promise with a warm-up",
      [prompt, "--cache", "at_most:60s", "--warmup", "2"],
      /^cache has warmup_steps beside at_most: leave it out/m,
    ],
    ["a quality that is none", [prompt, "--quality", "best"], /^--quality takes lossless or high\.$/],
    ["a forecast that is neither on nor off", [prompt, "--forecast", "yes"], /^--forecast is on or off/],
    ["motion that is neither on nor off", [prompt, "--motion", "yes"], /^--motion is on or off/],
    [
      "a negative warm-up",
      [prompt, "--warmup=-1"],
      /^--warmup takes a whole number from 0 to 1000, not -1\.$/,
    ],
    [
      "half a step of warm-up",
      [prompt, "--warmup", "1.5"],
      /^--warmup takes a whole number from 0 to 1000, not 1\.5\.$/,
    ],
    [
      "a warm-up beyond the run",
      [prompt, "--steps", "8", "--warmup", "9"],
      /^The warm-up is 9: a warm-up is a whole number of steps, from 0 to the 8 of the run\.$/m,
    ],
    ["a warm-up that is no number", [prompt, "--warmup", "on"], /^--warmup takes a number, not "on"/],
    [
      "a picture that is a URL",
      [prompt, "--image", "https://example.com/a.png"],
      /^--image takes a file, not a URL: save the picture, and give its file\.$/m,
    ],
    ["a codebook that is missing", [prompt, "--cache", "none.json"], /none\.json: there is no such file/],
    ["a codebook that is not JSON", [prompt, "--cache", "broken.json"], /broken\.json is not JSON/],
    [
      "a codebook that does not ascend",
      [prompt, "--cache", "falling.json"],
      /^--cache codebook row \d: below is a number above/,
    ],
    [
      "a codebook that does not end",
      [prompt, "--cache", "endless.json"],
      /^--cache codebook row \d is the last and has below: add a row/,
    ],
  ];

  test.each(usage)(
    "a generation with %s ends with one sentence and exit code 2, and writes nothing",
    async (_name, args, says) => {
      await writeFile(join(folder, "broken.json"), "{\n");
      await writeFile(
        join(folder, "falling.json"),
        `{"codebook": [{"below": 2, "rate": 3}, {"below": 1, "rate": 2}, {"rate": 1}]}`,
      );
      await writeFile(join(folder, "endless.json"), `{"codebook": [{"below": 2, "rate": 2}]}`);
      const { code, stdout, stderr } = await runGenerate(
        ["--model", model, "--out", "x.mp4", ...args],
        folder,
      );
      expect(code).toBe(2);
      expect(stdout).toBe("");
      expect(sentence(stderr)).toMatch(says);
      expect(existsSync(join(folder, "x.mp4"))).toBe(false);
    },
  );

  const failures: [name: string, args: string[], says: RegExp][] = [
    [
      "a folder for the output that is a file",
      [prompt, "--out", "file/x.mp4"],
      /^Cannot make the folder .* is a file/,
    ],
    ["a trace that is a folder", [prompt, "--trace", "folder"], /it is a folder/],
  ];

  test.each(failures)(
    "a generation with %s ends with one sentence and exit code 1",
    async (_name, args, says) => {
      await mkdir(join(folder, "folder"));
      await writeFile(join(folder, "file"), "");
      const { code, stderr } = await runGenerate(["--model", model, "--out", "x.mp4", ...args], folder);
      expect(code).toBe(1);
      expect(sentence(stderr)).toMatch(says);
      expect((await readdir(folder)).sort()).toEqual(["file", "folder"]);
    },
  );

  test("a truncated weight file is named, and an older video at the output path stays", async () => {
    const weights = join(model, "vae/diffusion_pytorch_model.safetensors");
    const whole = await readFile(weights);
    await writeFile(weights, whole.subarray(0, whole.length - 100));
    await writeFile(join(folder, "x.mp4"), "older");
    const { code, stderr } = await generate(prompt, "--out", "x.mp4");
    await writeFile(weights, whole);
    expect(code).toBe(1);
    expect(sentence(stderr)).toContain("vae/diffusion_pytorch_model.safetensors");
    expect(await readFile(join(folder, "x.mp4"), "utf8")).toBe("older");
  });
});

describe.runIf(process.platform === "linux")("an end that was not planned", () => {
  test("Ctrl-C ends with one sentence and exit code 1, and leaves no file and no process", async () => {
    const { started, child } = await startDenoising();
    started.child.kill("SIGINT");
    const { code, stderr } = await started.finished;
    expect(code).toBe(1);
    expect(stderr.trimEnd().split("\n").at(-1)).toBe("Cancelled: no video was written.");
    expect(await readdir(folder)).toEqual([]);
    expect(isRunning(child)).toBe(false);
  });

  test("Ctrl-C during the comparison says which video was written", async () => {
    const args = [prompt, "--steps", "200", "--cache", "static:200", "--compare", "--out", "x.mp4"];
    const started = startGenerate([...args, "--model", model], folder);
    await started.saw("decoding frames");
    await started.saw("denoising: 50 of 200 steps, 50 computed");
    started.child.kill("SIGINT");
    const { code, stderr } = await started.finished;
    expect(code).toBe(1);
    expect(stderr.trimEnd().split("\n").at(-1)).toMatch(
      /cancelled\. .*x\.mp4 was written, but not compared\.$/,
    );
    expect(await readdir(folder)).toEqual(["x.mp4"]);
  });

  test("a killed command takes its generating process with it", async () => {
    const { started, child } = await startDenoising();
    started.child.kill("SIGKILL");
    await started.finished;
    for (let waits = 0; isRunning(child) && waits < 200; waits++) await setTimeout(50);
    expect(isRunning(child)).toBe(false);
  });
});

/** Starts a command with a thousand steps; resolves once it is denoising, with the id of its child process. */
async function startDenoising() {
  const args = [prompt, "--steps", "1000", "--cache", "off", "--out", "x.mp4", "--model", model];
  const started = startGenerate(args, folder);
  await started.saw("denoising");
  return { started, child: childOf(started.child.pid!) };
}

/** Returns the error message in stderr, without progress; asserts that it is one line without a stack. */
function sentence(stderr: string): string {
  const progress = /^(loading the model|reading the prompt|denoising|decoding frames)/;
  const lines = stderr.split("\n").filter((line) => line !== "" && !progress.test(line));
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toMatch(/^\s+at |Error:/);
  return lines[0]!;
}

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").at(-1));
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
