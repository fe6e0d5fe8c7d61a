import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";

const FILES = ["functions/gpu/Dockerfile", "infra/image/bases.ts"];

/** Runs the script on copies of its files, with a Docker whose registries give this digest. */
function pinner() {
  const folder = mkdtempSync(join(tmpdir(), "adareel-pin-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const path of ["tools/pin-bases.sh", ...FILES]) cpSync(path, join(folder, path));
  mkdirSync(join(folder, "bin"));
  const run = (digest: string) => {
    writeFileSync(join(folder, "bin/docker"), `#!/bin/sh\necho ${digest}\n`, { mode: 0o755 });
    const PATH = `${join(folder, "bin")}${delimiter}${process.env.PATH}`;
    return promisify(execFile)(join(folder, "tools/pin-bases.sh"), { env: { PATH } });
  };
  const text = () => FILES.map((path) => readFileSync(join(folder, path), "utf8")).join("");
  return { run, text };
}

it("the base images get the digests of today, and others when they are asked for again", async () => {
  const { run, text } = pinner();
  const names = text().match(/(?:nvcr|public)\.[\w./-]+:[\w.-]+/g)!;
  const without = text();
  for (const digit of ["a", "b"]) {
    const digest = `sha256:${digit.repeat(64)}`;
    await run(digest);
    const pinned = text();
    expect(pinned.split(`@${digest}`)).toHaveLength(names.length + 1);
    expect(pinned.replaceAll(`@${digest}`, "")).toBe(without);
  }
});

it("an answer of a registry that is no digest ends the script with one sentence, and changes nothing", async () => {
  const { run, text } = pinner();
  const before = text();
  await expect(run("denied")).rejects.toMatchObject({
    stderr: expect.stringMatching(/^The registry of .* gives no digest: denied\n$/),
  });
  expect(text()).toBe(before);
});
