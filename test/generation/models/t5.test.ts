import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { writeQuantized } from "../../../lib/generation/checkpoint/index.ts";
import { parseT5Config, parseUMT5Config, t5Encoder, umt5Encoder } from "../../../lib/generation/models/t5.ts";
import { openSession } from "../../../lib/generation/onnx/index.ts";
import { graphWeights, withIntegers } from "../../../lib/generation/pipeline/model/opened-part.ts";
import { relativeL2 } from "../relative-l2.ts";
import { readCases, readGolden, readVectors, relativeError, run, withHeader } from "./golden.ts";

// Worst error measured: 2.4e-6.
const TOLERANCE = 1e-5;

async function fixture(name: "t5" | "umt5") {
  const golden = await readGolden(name);
  const [{ length, valid }] = (await readCases<{ length: number; valid: number[] }>(name)) as [
    { length: number; valid: number[] },
  ];
  const encoder =
    name === "t5" ? t5Encoder(parseT5Config(golden.config)) : umt5Encoder(parseUMT5Config(golden.config));
  const ids = [...(await golden.vectors.read("ids"))]; // [2, length]
  const states = await golden.vectors.read("states"); // [2, length, D]

  async function errorOf(prompt: number, weights = golden.weights) {
    const feeds = encoder.feeds(ids.slice(prompt * length, prompt * length + valid[prompt]!), length);
    const outputs = await run(encoder.build(length, { weights }), weights, feeds);
    const size = length * encoder.width;
    return relativeError(outputs.states, states.slice(prompt * size, (prompt + 1) * size));
  }
  /** Returns the relative error of the prompt's states with the linear layers' weights in 8-bit integers. */
  async function integerErrorOf(prompt: number) {
    const folder = await mkdtemp(join(tmpdir(), "adareel-t5-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const { weights, config } = golden;
    const part = {
      ...{ className: name, config, weights, folder, pipeline: "" },
      checkpoint: async () => weights,
    };
    await writeQuantized({ part, names: weights.names().filter((tensor) => LINEAR.test(tensor)) });
    const integers = graphWeights(await withIntegers(part));
    const graph = encoder.build(length, { weights: integers, readsIntegers: true });
    const session = await openSession(graph.build(), { weightsFolder: integers.root, threads: 1 });
    const rows = valid[prompt]!;
    const { states: actual } = await session.run(
      encoder.feeds(ids.slice(prompt * length, prompt * length + rows), length),
    );
    await session.release();
    const start = prompt * length * encoder.width;
    const count = rows * encoder.width;
    return relativeL2(actual!.data as Float32Array, states.slice(start, start + count));
  }
  return { golden, encoder, length, valid, errorOf, integerErrorOf };
}

const LINEAR = /\.(q|k|v|o|wi_0|wi_1|wo)\.weight$/;

describe.each(["t5", "umt5"] as const)("the encoder %s with weights in 8-bit integers", async (name) => {
  const { integerErrorOf } = await fixture(name);

  // Measured: 0.014 to 0.029. The scores of T5 are not scaled, so that small errors of queries and keys count much.
  it("the states of weights in 8-bit integers are within 0.04 of transformers", async () => {
    for (const prompt of [0, 1]) {
      const error = await integerErrorOf(prompt);
      expect(error).toBeLessThan(0.04);
      expect(error).toBeGreaterThan(1e-3);
    }
  });
});

describe("the UMT5 encoder", async () => {
  const { golden, length, valid, errorOf } = await fixture("umt5");

  it("the UMT5 encoder agrees with transformers at distances that reach the last bucket of every block", async () => {
    expect(valid[0]).toBeGreaterThan(140);
    expect(await errorOf(0)).toBeLessThan(TOLERANCE);
    expect(golden.weights.unused()).toEqual([]);
  });

  it("the UMT5 encoder agrees with transformers on a padded prompt", async () => {
    expect(valid[1]).toBeLessThan(length);
    expect(await errorOf(1)).toBeLessThan(TOLERANCE);
  });

  it("the UMT5 encoder is not accepted as T5, which would leave the tables of the later blocks unread", async () => {
    const { weights } = await readGolden("umt5");
    t5Encoder(parseT5Config(golden.config)).build(4, { weights });
    expect(weights.unused()).toEqual([
      "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight",
    ]);
  });

  it("the UMT5 encoder is named in the error when its config is unsupported", () => {
    expect(() => parseUMT5Config({ ...golden.config, d_kv: 0 })).toThrow(/UMT5EncoderModel.*d_kv/);
  });
});

describe("the T5 encoder", async () => {
  const { golden, encoder, length, valid, errorOf } = await fixture("t5");

  it("the T5 encoder agrees with transformers at distances that reach the last bucket", async () => {
    expect(valid[0]).toBeGreaterThan(140);
    expect(await errorOf(0)).toBeLessThan(TOLERANCE);
  });

  it("the T5 encoder agrees with transformers on a padded prompt", async () => {
    expect(valid[1]).toBeLessThan(length);
    expect(await errorOf(1)).toBeLessThan(TOLERANCE);
  });

  it("the T5 encoder agrees with transformers on a prompt that attends to its padding", async () => {
    const vectors = await readVectors("t5-with-padding");
    const padded = [...(await vectors.read("ids"))];
    const prompt = padded.slice(0, padded.indexOf(0));
    const expected = await vectors.read("states");
    const graph = () => encoder.build(padded.length, golden);
    const states = async (encodesPadding: boolean) =>
      (await run(graph(), golden.weights, encoder.feeds(prompt, padded.length, { encodesPadding }))).states;
    expect(relativeError(await states(true), expected)).toBeLessThan(TOLERANCE);
    expect(relativeError(await states(false), expected)).toBeGreaterThan(0.01);
  });

  it("the T5 encoder finds the token table under the encoder's own name", async () => {
    const renamed = await withHeader(golden, (name, entry) => [
      name === "shared.weight" ? "encoder.embed_tokens.weight" : name,
      entry,
    ]);
    expect(await errorOf(1, renamed)).toBeLessThan(TOLERANCE);
  });

  it("the T5 encoder refuses an empty text, too many tokens, and ids outside the vocabulary", () => {
    expect(() => encoder.feeds([], 4)).toThrow(/from 1 to 4.*0/);
    expect(() => encoder.feeds([2, 2, 2, 2, 1], 4)).toThrow(/from 1 to 4.*5/);
    expect(() => encoder.feeds([2, 48], 4)).toThrow(/48.*vocabulary of 48/);
    expect(() => encoder.feeds([-1], 4)).toThrow(/-1/);
  });

  it("the T5 encoder refuses buckets not divisible by four, and a last distance before the logarithmic ones", () => {
    const parse = (buckets: number, distance: number) => () =>
      parseT5Config({
        ...golden.config,
        relative_attention_num_buckets: buckets,
        relative_attention_max_distance: distance,
      });
    expect(parse(30, 128)).toThrow(/relative_attention_num_buckets is .*multiple of 4/);
    expect(parse(32, 8)).toThrow(
      /relative_attention_max_distance must be more than a quarter of relative_attention_num_buckets/,
    );
    expect(parse(32, 9)).not.toThrow();
  });

  it("the T5 encoder refuses the ungated feed-forward of T5 v1.0 by name", () => {
    expect(() => parseT5Config({ ...golden.config, feed_forward_proj: "relu" })).toThrow(/feed_forward_proj/);
  });
});
