/**
 * Completes package-lock.json after a change of dependencies: `npx tsx tools/lockfile.ts`.
 *
 * npm omits platform builds from the lock that the registry did not offer when the lock was made, and `npm ci` of
 * npm 11 then rejects the lock as out of date. This script adds an entry for each: version, os, cpu and libc, but
 * no integrity hash, which requires the package itself.
 *
 * It also takes out what a package of `RUNS_ON_OLDER_NODE` says about Node: npm leaves out an optional package that asks
 * for a later version than there is.
 */
import { readFile, writeFile } from "node:fs/promises";

/** Optional packages that ask for a later Node than they need; tests run them on the oldest Node that we support. */
const RUNS_ON_OLDER_NODE = ["@contentauth/c2pa-node"];

interface LockedPackage {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
  engines?: Record<string, string>;
}

const lockPath = new URL("../package-lock.json", import.meta.url);
const platformName =
  /(darwin|linux|win32|android|freebsd)-(x64|arm64|arm|ia32)(?:-(gnu|musl|gnueabihf|msvc))?$/;
const libcByAbi: Record<string, string> = { gnu: "glibc", gnueabihf: "glibc", musl: "musl" };

function platformEntry(name: string, version: string, parent: LockedPackage): LockedPackage {
  const [, os, cpu, abi = ""] = platformName.exec(name) ?? [];
  if (!os || !cpu)
    throw new Error(`${name} is not in the lock, and its name does not say for which platform it is`);
  const libc = libcByAbi[abi];
  return {
    version,
    cpu: [cpu],
    ...(parent.dev && { dev: true }),
    ...(libc && { libc: [libc] }),
    optional: true,
    os: [os],
  };
}

const lock = JSON.parse(await readFile(lockPath, "utf8")) as { packages: Record<string, LockedPackage> };
const added: string[] = [];
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const isLocked = Object.keys(lock.packages).some((path) => path.endsWith(`node_modules/${name}`));
    if (isLocked) continue;
    lock.packages[`node_modules/${name}`] = platformEntry(name, version, parent);
    added.push(name);
  }
}
for (const name of RUNS_ON_OLDER_NODE) delete lock.packages[`node_modules/${name}`]!.engines;
// npm sorts packages in this order, and would rewrite the file otherwise.
const inOrder = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en"));
lock.packages = Object.fromEntries(inOrder);
await writeFile(lockPath, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length > 0 ? `added ${added.join(", ")}` : "nothing was missing");
