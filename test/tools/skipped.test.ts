import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";

/** Runs a script where Python and Go can install nothing. */
async function run(script: string, env: NodeJS.ProcessEnv): Promise<{ code: number; stdout: string }> {
  const folder = mkdtempSync(join(tmpdir(), "adareel-path-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const name of ["python3", "go"]) {
    writeFileSync(join(folder, name), "#!/bin/sh\nexit 1\n");
    chmodSync(join(folder, name), 0o755);
  }
  const { CI: _, ...own } = process.env;
  const PATH = `${folder}${delimiter}${process.env.PATH}`;
  return promisify(execFile)(script, { env: { ...own, PATH, ...env } }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
  );
}

describe.each(["tools/deploy-to-moto.sh", "tools/s3-servers.sh"])("the check %s", (script) => {
  it("a check that cannot install what it needs tells a person, and fails in CI", async () => {
    const here = await run(script, {});
    expect(here).toEqual({ code: 0, stdout: expect.stringMatching(/ cannot be installed, so .*: see /) });
    expect(await run(script, { CI: "1" })).toEqual({ ...here, code: 1 });
  });
});
