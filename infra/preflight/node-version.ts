import { type Finding, ok, wrong } from "./finding.ts";

/** Minimum version, equal to `engines` in package.json. */
const LEAST = [20, 19] as const;

export function nodeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isNewEnough = major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1]);
  return isNewEnough
    ? ok(`${version}.`)
    : wrong(`${version} is too old`, `install ${LEAST.join(".")} or newer.`);
}
