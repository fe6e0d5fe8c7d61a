import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { RUNNER } from "../../lib/shared/run/index.ts";
import { costsDocument } from "../../tools/plan/costs.ts";

function plan(...args: string[]): { status: number; stdout: string; stderr: string } {
  try {
    const options = { encoding: "utf8", stdio: "pipe" } as const;
    const stdout = execFileSync(process.execPath, [RUNNER, "tools/plan/main.ts", ...args], options);
    return { status: 0, stdout, stderr: "" };
  } catch (error) {
    return error as { status: number; stdout: string; stderr: string };
  }
}

test("a plan is printed as JSON on request, the same each time", () => {
  const args = ["--model", "demo", "--videos-per-day", "20", "--days", "1", "--json"];
  const { status, stdout } = plan(...args);
  expect(status).toBe(0);
  expect(JSON.parse(stdout).outcomes).toHaveLength(3);
  expect(plan(...args).stdout).toBe(stdout);
});

test("arguments that cannot be used end with one sentence and exit code 2", () => {
  for (const args of [[], ["--model", "demo", "--gpu", "1"], ["--model", "demo", "fast"], ["--model"]]) {
    const { status, stderr } = plan(...args);
    expect(status).toBe(2);
    // A sentence may end in an example of the command.
    expect(stderr).toMatch(/^[^\n]+(\.|as in: npm run plan -- [^\n]+)\n$/);
  }
});

test("docs/costs.md is what the plan writes", () => {
  expect(readFileSync("docs/costs.md", "utf8")).toBe(costsDocument());
});
