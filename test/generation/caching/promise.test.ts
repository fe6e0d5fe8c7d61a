import { expect, test } from "vitest";
import { parseCachePolicy, promiseOutcome } from "../../../lib/generation/caching/index.ts";

const policy = (spec: string) => parseCachePolicy(spec, { steps: 30, motion: false });
const run = { computed: 12, seconds: 60 };
const unknown = { predictedDb: null, predictedSeconds: null, auditedDb: null };

test.each([
  ["computed_steps:12", { computed_steps: 12 }, true],
  ["computed_steps:11", { computed_steps: 11 }, false],
  ["at_most:60s", { at_most_seconds: 60 }, true],
  ["at_most:59.9s", { at_most_seconds: 59.9 }, false],
  ["at_least:35dB", { at_least_db: 35 }, null],
])("the promise %s of a run of 12 computed steps and 60 s is kept: %s %s", (spec, asked, kept) => {
  expect(promiseOutcome(policy(spec), run)).toEqual({ asked, ...unknown, kept });
});

test("a promise in dB is kept or not once it is audited, whatever was predicted", () => {
  const outcome = (auditedDb: number) =>
    promiseOutcome(policy("at_least:35dB"), { ...run, predictedDb: 36, auditedDb });
  expect(outcome(35)).toMatchObject({ predictedDb: 36, auditedDb: 35, kept: true });
  expect(outcome(34.9)).toMatchObject({ predictedDb: 36, auditedDb: 34.9, kept: false });
});

test.each(["auto", "off", "fast", "static:3"])("the policy %s promises nothing", (spec) => {
  expect(promiseOutcome(policy(spec), run)).toBeNull();
});
