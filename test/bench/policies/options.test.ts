import { describe, expect, test } from "vitest";
import { planOf, yardstickOf } from "../../../tools/bench/policies/options.ts";

const plan = (changes: object) => planOf({ quick: false, resume: false, ...changes });

test("a command without options measures all prompts at 30, 20, 50 and 100 steps, with one thread and process", () => {
  const { prompts, stepCounts, threads, workers, only } = plan({});
  expect(prompts).toHaveLength(64);
  expect({ stepCounts, threads, workers, only }).toEqual({
    stepCounts: [30, 20, 50, 100],
    threads: 1,
    workers: 1,
    only: null,
  });
});

test("a quick command measures the four motions of one scene at 30 steps", () => {
  const { prompts, stepCounts } = plan({ quick: true });
  expect(prompts.map(({ motion }) => motion)).toEqual(["still", "slow", "fast", "bounce"]);
  expect(stepCounts).toEqual([30]);
});

test("policies are named one after another, also those with a comma in their name", () => {
  expect(plan({ only: "EasyCache, AdaCache, motion,AdaCache,SeaCache, order 1" }).only).toEqual([
    "EasyCache",
    "AdaCache, motion",
    "AdaCache",
    "SeaCache, order 1",
  ]);
});

describe("options that cannot be used", () => {
  const cases: Record<string, { changes: object; says: RegExp }> = {
    "an unknown policy": {
      changes: { only: "EasyCache,Nobody" },
      says: /--only has no policy "Nobody": use fewer steps; /,
    },
    "no policy": { changes: { only: " " }, says: /--only needs the name of a policy/ },
    "steps that are no numbers": {
      changes: { steps: "30,many" },
      says: /--steps must be a whole number from 1 to 1000/,
    },
    "too few steps": { changes: { steps: "3" }, says: /--steps must be 4 or more/ },
    "too many numbers of steps": {
      changes: { steps: "10,11,12,13,14,15,16,17,18" },
      says: /at most 8 numbers/,
    },
    "no thread": { changes: { threads: "0" }, says: /--threads must be a whole number/ },
    "an unknown clock": { changes: { clock: "sun" }, says: /--clock must be wall or cpu, got "sun"\./ },
    "no worker": { changes: { workers: "none" }, says: /--workers must be a whole number/ },
    "a file of prompts that is not there": {
      changes: { prompts: "none.json" },
      says: /none\.json must be a JSON list/,
    },
  };
  for (const [title, { changes, says }] of Object.entries(cases)) {
    test(`a command with ${title} is refused in one sentence`, () => {
      expect(() => plan(changes)).toThrow(says);
    });
  }

  test("an unknown yardstick is refused, and a known one is taken", () => {
    expect(() => yardstickOf("AdaCache")).toThrow(
      '--yardstick takes a policy and its setting, such as "AdaCache, motion / fast", got "AdaCache".',
    );
    expect(yardstickOf("EasyCache / 0.1")).toMatchObject({ group: "EasyCache", label: "0.1" });
  });
});
