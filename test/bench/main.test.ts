import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

function bench(...args: string[]): { status: number; stderr: string } {
  try {
    execFileSync(process.execPath, ["--import", import.meta.resolve("tsx"), "tools/bench/main.ts", ...args], {
      stdio: "pipe",
    });
    return { status: 0, stderr: "" };
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: Buffer };
    return { status, stderr: String(stderr) };
  }
}

const scratch = mkdtempSync(join(tmpdir(), "adareel-bench-"));
const otherJson = join(scratch, "other.json");
writeFileSync(otherJson, "{}");
afterAll(() => rmSync(scratch, { recursive: true }));

describe("arguments that cannot be used", () => {
  const cases: Record<string, { args: string[]; says: RegExp }> = {
    "no benchmark": {
      args: [],
      says: /policies, pictures, promises, precision, previews, step, model, api, workers or prompts/,
    },
    "an unknown benchmark": { args: ["policy"], says: /no command "policy"/ },
    "a name every object has": { args: ["constructor"], says: /no command "constructor"/ },
    "an unknown option": { args: ["policies", "--seed", "3"], says: /--seed/ },
    "an option without its value": { args: ["step", "--model"], says: /--model/ },
    "a word too many": { args: ["step", "fast"], says: /fast/ },
    "no prompts": { args: ["promises", "--count", "0"], says: /--count must be a whole number/ },
    "a precision that nobody knows": {
      args: ["precision", "--precision", "int4"],
      says: /--precision must be float16 or int8/,
    },
    "no thread": { args: ["model", "--threads", "0"], says: /--threads must be a whole number/ },
    "a model that nobody knows": { args: ["model", "--only", "Sora"], says: /--only has no model "Sora"/ },
    "a part that nobody knows": { args: ["model", "--parts", "speed"], says: /--parts has no "speed"/ },
    "a policy that nobody knows": {
      args: ["policies", "--only", "Nobody"],
      says: /--only has no policy "Nobody"/,
    },
    "too few steps to save any": { args: ["policies", "--steps", "2"], says: /--steps must be 4 or more/ },
    "an option of another benchmark": { args: ["api", "--model", "demo"], says: /--model/ },
    "results of another benchmark": { args: ["api", "--from", otherJson], says: /other\.json does not hold/ },
    "results that are not there": {
      args: ["promises", "--from", join(scratch, "none.json")],
      says: /none\.json/,
    },
    "results of something else": { args: ["step", "--from", otherJson], says: /other\.json does not hold/ },
  };
  for (const [title, { args, says }] of Object.entries(cases)) {
    test(`a command with ${title} ends with one sentence and exit code 2`, () => {
      const { status, stderr } = bench(...args);
      expect(status).toBe(2);
      expect(stderr).toMatch(says);
      expect(stderr.trim().split("\n")).toHaveLength(1);
      // A sentence may end in an example of the command.
      expect(stderr).toMatch(/(\.|as in: npm run bench -- [^\n]+)\n$/);
    });
  }
});

test("a missing model is reported in one sentence", () => {
  for (const name of ["policies", "step"]) {
    const { status, stderr } = bench(name, "--model", join(scratch, "no-model"));
    expect(status).toBe(2);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain("no-model");
  }
});
