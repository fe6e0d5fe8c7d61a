import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Checkpoint } from "../../lib/generation/checkpoint/index.ts";
import { type HubStub, startHubStub } from "../distribution/hub/hub-stub.ts";
import { startCommand } from "./start-command.ts";

const demo = fileURLToPath(new URL("../../models/demo", import.meta.url));
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-models-"));
});
afterEach(() => rm(folder, { recursive: true }));

const start = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  startCommand("models", args, { folder, env: { HF_TOKEN: "", ...env } });
const run = (args: readonly string[], env?: NodeJS.ProcessEnv) => start(args, env).ended;

describe("add", () => {
  const big = Buffer.alloc(70 * 2 ** 20, 7);
  let stub: HubStub;
  beforeEach(async () => {
    const files: Record<string, Buffer | string> = {};
    const small = ["model_index.json", "tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json"];
    const configs = ["transformer", "text_encoder", "vae"].map((part) => `${part}/config.json`);
    for (const path of [...small, ...configs, "scheduler/scheduler_config.json"])
      files[path] = await readFile(join(demo, path));
    for (const part of ["text_encoder", "vae"]) files[`${part}/model.safetensors`] = "weights";
    files["transformer/model.safetensors"] = big;
    stub = await startHubStub({ "someone/small": { files } });
  });
  afterEach(() => stub.close());
  const add = (env?: NodeJS.ProcessEnv) => start(["add", "someone/small"], { HF_ENDPOINT: stub.url, ...env });

  it.each(["SIGKILL", "SIGINT"] as const)(
    "the command models add resumes after %s, and says where the model is",
    async (signal) => {
      stub.faults.ranges["transformer/model.safetensors"] = [null, null, ...new Array(99).fill(503)];
      const { child, ended } = add();
      await partIsThere(join(folder, "models/small/.partial/transformer/model.safetensors"), big.length);
      child.kill(signal);
      const killed = await ended;
      expect(killed.code).toBe(signal === "SIGKILL" ? null : 1);
      if (signal === "SIGINT") expect(killed.stderr).toMatch(/\nStopped: finished work is kept; .*\.\n$/);

      stub.faults.ranges = {};
      const { code, stdout, stderr } = await add().ended;
      expect([code, stderr]).toEqual([
        0,
        expect.stringMatching(/^asking for someone\/small\ndownloading .* of 73\.4 MB, /),
      ]);
      const [, lackingMB] =
        /^models\/small has the model, 73\.4 MB, of which ([\d.]+) MB were missing\.\n/.exec(stdout)!;
      expect(Number(lackingMB)).toBeLessThan(73.4);
      expect(stdout).toMatch(/\nNext: npm run models -- check models\/small\n$/);
      expect((await readFile(join(folder, "models/small/transformer/model.safetensors"))).equals(big)).toBe(
        true,
      );
    },
  );

  it("the command models add names the page of a licence that has to be accepted", async () => {
    stub.repositories["someone/small"] = { ...stub.repositories["someone/small"]!, gated: true };
    const { code, stderr } = await add().ended;
    expect(code).toBe(1);
    expect(stderr).toContain(`visit ${stub.url}/someone/small, accept it and set HF_TOKEN`);
  });

  it("the command models add copies a local folder, which models list then shows", async () => {
    const { code, stdout } = await run(["add", demo, "--into", "models/mine"]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^models\/mine has the model, 19\.\d MB, /)]);
    const listed = await run(["list"]);
    expect(listed.stdout).toMatch(/^models\/mine\tOpenSoraPipeline\t19\d{6}$/m);
    expect(listed.stdout).toMatch(/^\/.*\/models\/demo\tOpenSoraPipeline\t\d+$/m);
    expect((await run(["check", "models/mine"])).code).toBe(0);
  });
});

describe("a model", () => {
  it.each(["check", "calibrate", "convert", "push"])(
    "the command models %s takes its model by name, and says how to add one that is not there",
    async (command) => {
      const { code, stdout, stderr } = await run([
        command,
        "latte-1",
        ...(command === "push" ? ["--store", "s3://b"] : []),
      ]);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(
        /^The model latte-1 is not on this machine, .* about 24 GB: .* -- add latte-1\n$/,
      );
    },
  );

  it("the command models add knows a misspelt name", async () => {
    const { code, stderr } = await run(["add", "late-1"]);
    expect([code, stderr]).toEqual([1, '"late-1" is no model that can be added: did you mean latte-1?\n']);
  });
});

describe("check", () => {
  it("the command models check takes a name, and prints no empty table before a fault", async () => {
    const named = await run(["check", "demo"]);
    expect([named.code, named.stdout]).toEqual([
      0,
      expect.stringMatching(/^\S+models.demo: OpenSoraPipeline\n/),
    ]);
    await mkdir(join(folder, "models/broken"), { recursive: true });
    await writeFile(join(folder, "models/broken/model_index.json"), "{}");
    const broken = await run(["check", "broken"]);
    expect(broken.code).toBe(1);
    expect(broken.stdout).toMatch(/^models.broken\n\nfault: [^\n]+\n(fault: [^\n]+\n)*\nIt cannot run/);
  });

  it("the command models check ends with 0 for a model that can run, and describes it", async () => {
    const { code, stdout } = await run(["check", demo]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\ntransformer +STDiT3 +7\.6 M +F16 15\.2 MB\n/);
    expect(stdout).toMatch(/\n64x64 +16 +\d+ MiB fits +\d+ MiB\n\npreviews: off by \d+\.\d of 255 \(RMS\), /);
    expect(stdout).toMatch(/ % of the variance\.\n\nIt can run in \d+\.\d GiB of this machine\.\n$/);
  });

  it("the command models check says what stays open in the memory of a GPU, and the parts at the peak", async () => {
    const { code, stdout } = await run(["check", demo, "--memory", "24"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /\nOn a GPU of 24\.0 GiB, 64x64, 16 frames: all parts stay open\. The peak is \d+ MiB: the transformer, .*\.\n/,
    );
    const small = await run(["check", demo, "--memory", "0.05"]);
    expect(small.stdout).toMatch(
      /\nOn a GPU of 52 MiB, .*: the encoders are released before denoising.*\.\n/,
    );
  });

  it("the command models check ends with 1 for a model that does not fit into memory", async () => {
    const { code, stdout } = await run(["check", demo, "--memory", "0.01"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/\nIt cannot run: the smallest video needs \d+ MiB, and there are 11 MiB\.\n$/);
  });

  it("the command models check ends with 1 for a fault, and prints it on one line", async () => {
    await cp(demo, join(folder, "broken"), { recursive: true });
    await rm(join(folder, "broken/transformer/model.safetensors"));
    const { code, stdout } = await run(["check", "broken"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /\nfault: .*\/broken\/transformer: the folder has no weights: .*\n\nIt cannot run\.\n$/,
    );
  });
});

describe("convert", () => {
  it("the command models convert takes the short name of a precision", async () => {
    const { code, stdout } = await run(["convert", "demo", "--dtype", "fp16", "--out", "half"]);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/\nhalf has the model, with its floating-point weights in float16\.\n$/),
    ]);
  });

  it("the command models convert writes the model beside the original", async () => {
    await cp(demo, join(folder, "demo"), { recursive: true });
    const { code, stdout } = await run(["convert", "demo", "--dtype", "float32"]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("transformer\t15.2 MB\t30.4 MB\n")]);
    const weights = await Checkpoint.open(join(folder, "demo-float32/transformer"));
    expect(weights.names().every((name) => weights.info(name).dtype === "F32")).toBe(true);
    expect((await run(["check", "demo-float32"])).code).toBe(0);
  });

  it("the command models convert writes int8 beside the weights of the model itself, which check then reads as before", async () => {
    await cp(demo, join(folder, "demo"), { recursive: true });
    const { code, stdout } = await run(["convert", "demo", "--dtype", "int8"]);
    const said = "demo has its large layers in int8 too, in int8.safetensors of each part above.\n";
    expect([code, stdout]).toEqual([0, `transformer\t14.2 MB\t7.2 MB\n${said}`]);
    const file = await Checkpoint.open(join(folder, "demo/transformer/int8.safetensors"));
    expect(file.info("spatial_blocks.0.mlp.fc1.weight.values").dtype).toBe("I8");
    expect((await run(["convert", "demo", "--dtype", "int8"])).stdout).toBe(stdout);
    expect((await run(["check", "demo"])).code).toBe(0);
  });

  it.each([
    [
      ["convert", "demo"],
      "--dtype is missing: give float32, float16, bfloat16 or int8, as in --dtype float16.\n",
    ],
    [
      ["convert", "demo", "--dtype", "int4"],
      '--dtype takes float32, float16, bfloat16 or int8, not "int4".\n',
    ],
    [
      ["convert", "demo", "--dtype", "int8", "--out", "small"],
      "--dtype int8 writes beside the model's weights: leave out --out.\n",
    ],
    [["check", "demo", "--memory=-3"], '--memory takes GiB above 0, such as 24, not "-3".\n'],
  ])("the command line refuses the arguments %j in one sentence", async (args, message) => {
    const { code, stderr } = await run(args);
    expect([code, stderr]).toEqual([2, message]);
  });
});

/**
 * Waits for the first part of a file that is being downloaded. The file's bytes are followed by one byte per part,
 * which is 1 once the part has arrived.
 */
async function partIsThere(path: string, byteCount: number): Promise<void> {
  for (;;) {
    const grown = await readFile(path).catch(() => null);
    if (grown?.subarray(byteCount).includes(1)) return;
    await sleep(20);
  }
}
