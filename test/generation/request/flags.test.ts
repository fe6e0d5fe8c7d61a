import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  askedByFlags,
  checkFlag,
  parseRequest,
  REQUEST_FLAGS,
  type RequestFlag,
} from "../../../lib/generation/request/index.ts";
import { expectSentence } from "../../api/sentence.ts";

const flagOf = (name: string): RequestFlag => REQUEST_FLAGS.find((flag) => flag.name === name)!;

describe("a flag", () => {
  it.each([
    ["num-inference-steps", "--steps", 0, "--steps takes a whole number from 1 to 1000, not 0."],
    ["seed", "--seed", -2, "--seed takes a whole number of at least -1, not -2; leave it out to draw one."],
    ["guidance-scale", "--guidance", 101, "--guidance takes a number from 0 to 100, not 101."],
    ["seconds", "--seconds", 0, "--seconds takes a number of seconds above 0, such as 2, not 0."],
    ["fps", "--fps", 1.5, "--fps takes a whole number from 1 to 240, not 1.5."],
    ["size", "--size", "big", "--size takes width x height in pixels, such as 64x64."],
    [
      "cache",
      "--cache",
      "quick",
      "--cache takes off, auto, fast, slow, static:3, at_least:35dB, at_most:60s, computed_steps:12 or FILE.json with a codebook.",
    ],
    [
      "cache",
      "--cache",
      { codebook: [{ rate: 0 }] },
      "--cache codebook row 1: rate is a whole number of at least 1, not 0.",
    ],
    [
      "cache",
      "--cache",
      { codebok: [{ rate: 1 }] },
      "There is no field codebok in --cache: did you mean codebook?",
    ],
    [
      "cache",
      "--cache",
      "at_most:0",
      "--cache needs a time from 0.01 s to 24 h after the colon, for example at_most:60s.",
    ],
    ["quality", "--quality", "medium", "--quality takes lossless or high."],
    ["warmup", "--warmup", -1, "--warmup takes a whole number from 0 to 1000, not -1."],
  ])("the flag --%s given as %s with %j is refused by its own sentence", (name, typed, value, sentence) => {
    expect(() => checkFlag(flagOf(name), value, typed)).toThrow(
      expect.objectContaining({ name: "RequestError", message: sentence }),
    );
  });

  it("a flag with any value is taken, or refused in a sentence", () => {
    const value = fc.oneof(fc.string(), fc.double(), fc.integer(), fc.jsonValue(), fc.boolean());
    fc.assert(
      fc.property(fc.constantFrom(...REQUEST_FLAGS), value, (flag, given) => {
        try {
          checkFlag(flag, given, `--${flag.name}`);
        } catch (error) {
          expect((error as Error).name).toBe("RequestError");
          expectSentence((error as Error).message.replace(/^--/, ""));
        }
      }),
    );
  });

  it("a flag of a member is taken together with the other flags of its parameter", () => {
    expect(askedByFlags({ cache: "slow", motion: false, warmup: 0, forecast: true, seed: 1 })).toEqual({
      cache: { policy: "slow", motion_regularisation: false, warmup_steps: 0, forecast: true },
      seed: 1,
    });
    expect(askedByFlags({ seconds: 2, fps: 8 })).toEqual({ seconds: 2, fps: 8 });
  });

  it("every flag has its name and its aliases for itself", () => {
    const names = REQUEST_FLAGS.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
  });
});

it("a request with any fields is parsed, or refused in a sentence", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()), (prompt, fields) => {
      try {
        parseRequest({ prompt, ...fields });
      } catch (error) {
        expectSentence((error as Error).message);
      }
    }),
  );
});
