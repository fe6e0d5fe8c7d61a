import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Folders whose tests mostly compute: their files share processes, and what these have imported. */
const COMPUTING = ["api", "bench", "generation", "infra", "plan", "service", "shared"];

/** What a test file of these contains that needs a process of its own: changes of the process, or other processes. */
const NEEDS_OWN =
  /vi\.(mock|doMock|spyOn|stubEnv|stubGlobal|useFakeTimers)\(|process\.env\.\w+ =|child_process|PipelineProcess|failingClaims\(/;

const shared = COMPUTING.flatMap((folder) =>
  readdirSync(join("test", folder), { recursive: true, encoding: "utf8" }).map(
    (name) => `test/${folder}/${name}`,
  ),
).filter((path) => path.endsWith(".test.ts") && !NEEDS_OWN.test(readFileSync(path, "utf8")));

const cores = availableParallelism();

export default defineConfig({
  test: {
    pool: "forks",
    // Only to end what hangs: on a busy machine a test of seconds takes minutes.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 250_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: "shared",
          include: shared,
          isolate: false,
          // By default one core is left alone: of two cores, that is half of them.
          maxWorkers: cores,
        },
      },
      {
        extends: true,
        test: {
          name: "own",
          include: ["test/**/*.test.ts"],
          exclude: shared,
          // Many of these wait for processes, so that one more keeps the cores busy.
          maxWorkers: cores + 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
