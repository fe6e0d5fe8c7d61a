import { readFileSync } from "node:fs";

/*
 * Loaded into every process of the service before its own code: shifts `Date` by the milliseconds in a file, so that the
 * clock of a running process can jump. `performance.now()` and timers keep true time, as they do when somebody sets the
 * clock of a machine.
 */

const LOOK_MS = 50;

const path = process.env.STORM_CLOCK;
const RealDate = Date;
let shiftMs = 0;
let lookedAt = Number.NEGATIVE_INFINITY;

function now(): number {
  const elapsed = performance.now();
  if (path && elapsed - lookedAt > LOOK_MS) {
    lookedAt = elapsed;
    shiftMs = Number(readFileSync(path, "utf8")) || 0;
  }
  return RealDate.now() + shiftMs;
}

if (path) {
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, asked) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, asked) as object,
    apply: () => new RealDate(now()).toString(),
    get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
  });
}
