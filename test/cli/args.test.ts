import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { parseGenerate } from "../../functions/cli/args.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "adareel-args-"));
  for (const model of ["here/own", "here/models/added", "program/models/demo", "program/models/added"]) {
    await mkdir(join(root, model), { recursive: true });
    await writeFile(join(root, model, "model_index.json"), "{}");
  }
  return () => rm(root, { recursive: true });
});

function modelOf(...args: string[]): string {
  const command = parseGenerate(["a red circle", ...args], {
    folder: join(root, "here"),
    demoModel: join(root, "program/models/demo"),
    drawSeed: () => 1,
  });
  if (command === "help") throw new Error("it asked for help");
  return command.model.slice(root.length + 1);
}

it("an image path is relative to the user's folder", () => {
  const surroundings = { folder: "/here", demoModel: "/demo", drawSeed: () => 1 };
  const command = parseGenerate(["a red circle", "--image", "a/first.png"], surroundings);
  expect(command).toMatchObject({ request: { image: "/here/a/first.png" } });
  expect(parseGenerate(["a red circle"], surroundings)).not.toHaveProperty("request.image");
});

describe("--model", () => {
  it.each([
    [[], "program/models/demo"],
    [["--model", "own"], "here/own"],
    [["--model", "models/added"], "here/models/added"],
    [["--model", "added"], "here/models/added"],
    [["--model", "demo"], "program/models/demo"],
    [["--model", "../program/models/demo"], "program/models/demo"],
  ])("the option --model with %j means the folder %s", (args, folder) => {
    expect(modelOf(...args)).toBe(folder);
  });

  it("an unknown model keeps the name as it was written, for the error message", () => {
    expect(modelOf("--model", "missing")).toBe("here/missing");
  });
});
