import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, expect, it } from "vitest";
import { startLoopbackService } from "./service.ts";

const python = process.env.ADAREEL_PYTHON ?? "python3";
const isInstalled = spawnSync(python, ["-c", "import schemathesis"]).status === 0;
if (!isInstalled) console.warn(`Schemathesis is not run: ${python} has no package schemathesis.`);

const folder = mkdtempSync(join(tmpdir(), "adareel-schemathesis-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TIMEOUT_MS = 600_000;

it.skipIf(!isInstalled)(
  "Schemathesis finds nothing that the API does otherwise than its OpenAPI document says",
  { timeout: TIMEOUT_MS },
  async () => {
    const service = await startLoopbackService();
    const { origin, api } = service;
    try {
      const config = join(import.meta.dirname, "schemathesis.toml");
      const key = `Authorization: Bearer ${api.ownKey}`;
      // Without --checks all are made that the configuration does not exclude.
      const options = ["--max-examples", "20", "--seed", "1", "--header", key];
      const child = spawn(
        python,
        ["-m", "schemathesis.cli", "--config-file", config, "run", `${origin}/openapi.json`, ...options],
        // It keeps what it found in its folder, and would begin with that the next time.
        { timeout: TIMEOUT_MS, cwd: folder },
      );
      const exited = new Promise((done) => child.once("exit", done));
      const report = await text(child.stdout);
      expect(await exited, report).toBe(0);
    } finally {
      service.stop();
    }
  },
);
