import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readArguments } from "../../../infra/preflight/arguments.ts";
import { nodeVersion } from "../../../infra/preflight/node-version.ts";

let folder: string;
let cdkJson: URL;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-preflight-"));
  const path = join(folder, "cdk.json");
  await writeFile(path, JSON.stringify({ app: "x", context: { name: "films", model: "demo" } }));
  cdkJson = pathToFileURL(path);
});
afterAll(() => rm(folder, { recursive: true }));

it("the command line overrides cdk.json, as it does for the CDK", async () => {
  const args = ["-c", "model=other", "--context", "imageUri=a=b", "-cwaf=true"];
  expect(await readArguments(args, cdkJson)).toEqual({
    context: { name: "films", model: "other", imageUri: "a=b", waf: "true" },
    isVerbose: false,
    policyOf: null,
  });
  expect(await readArguments(["--help"], cdkJson)).toBe("help");
});

it("an unknown setting is refused in one sentence", async () => {
  const mistakes: [args: string[], sentence: string][] = [
    [["-c", "region"], '-c takes NAME=VALUE, not "region".'],
    [["-c", "=x"], '-c takes NAME=VALUE, not "=x".'],
    [["region=x"], '"region=x" is one word too many; write it as in: npm run preflight -- '],
    [["--permissions", "admin"], '--permissions must be deployer or cloudformation, got "admin".'],
    [["--all"], "Unknown option '--all'; see --help."],
  ];
  for (const [args, sentence] of mistakes)
    await expect(readArguments(args, cdkJson)).rejects.toThrow(sentence);
});

it("the command line may ask for every check, or for a policy instead", async () => {
  expect(await readArguments(["--verbose"], cdkJson)).toMatchObject({ isVerbose: true, policyOf: null });
  expect(await readArguments(["--permissions", "deployer"], cdkJson)).toMatchObject({ policyOf: "deployer" });
});

it("Node.js must be a version that the packages support", () => {
  expect(["20.19.0", "22.1.0", "24.0.0"].map((version) => nodeVersion(version).state)).toEqual([
    "ok",
    "ok",
    "ok",
  ]);
  expect(nodeVersion("20.18.3")).toMatchObject({
    state: "wrong",
    sentence: "20.18.3 is too old: install 20.19 or newer.",
  });
});
