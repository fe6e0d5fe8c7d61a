import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/**
 * Programs that tests start load one bundle in place of hundreds of modules, which takes a quarter of the processor
 * time. With ADAREEL_TSX=1 they start with tsx itself, as users start them.
 */
const register = JSON.stringify(new URL("test/programs/register.js", import.meta.url).href);
const programsFromBundles = {
  name: "programs from bundles",
  enforce: "pre" as const,
  transform(code: string, id: string) {
    if (process.env.ADAREEL_TSX || id.includes("node_modules")) return;
    if (code.includes('import.meta.resolve("tsx")'))
      return { code: code.replaceAll('import.meta.resolve("tsx")', register), map: null };
  },
};

export default defineConfig({
  plugins: [programsFromBundles],
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    // By default one core is left alone: of two cores, that is half of them.
    maxWorkers: availableParallelism(),
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
