import type { RunningProcess } from "../../test/local/processes.ts";
import type { SeededRandom } from "../../test/sim/seeded-random.ts";
import type { Role, StormService } from "./service.ts";

/** Kinds of faults, and how often each is drawn. */
const WEIGHTS = {
  kill: 70,
  /** Stopped beyond the lease, and then continued. */
  suspend: 12,
  /** Stopped and never continued: somebody has to kill it. */
  hang: 8,
  /** The clock jumps and stays there. */
  clock: 10,
} as const;

export type FaultKind = keyof typeof WEIGHTS;
export const FAULT_KINDS = Object.keys(WEIGHTS) as FaultKind[];

const TARGETS: readonly (readonly Role[])[] = [
  ["gpu"],
  ["pipeline"],
  ["api"],
  ["gpu", "pipeline"],
  ["api", "gpu"],
  ["api", "pipeline"],
  ["api", "gpu", "pipeline"],
];

const HOUR_MS = 3_600_000;
const JUMPS_MS = [-HOUR_MS, -60_000, 0, 60_000, HOUR_MS];

/** Draws a fault and causes it. Resolves to its kind once the next one may come. */
export async function causeFault(
  service: StormService,
  random: SeededRandom,
  { leaseMs, sleep }: { readonly leaseMs: number; readonly sleep: (durationMs: number) => Promise<unknown> },
): Promise<FaultKind> {
  const kind = draw(random);
  const roles = random.pick(TARGETS);
  if (kind === "kill") service.kill(victims(service, roles, random));
  if (kind === "clock") service.setClock(random.pick(JUMPS_MS));
  if (kind === "suspend") {
    const resume = service.suspend(victims(service, roles, random));
    await sleep(random.integer(leaseMs, 5 * leaseMs));
    resume();
  }
  // A stopped API has nobody to watch over it on one machine, so only what it watches hangs.
  if (kind === "hang") {
    const hung = victims(service, [random.pick(["gpu", "pipeline"] as const)], random);
    service.suspend(hung);
    if (service.isWatched) return kind;
    // Whoever runs a machine replaces it at last.
    await sleep(random.integer(leaseMs, 5 * leaseMs));
    service.kill(hung);
  }
  return kind;
}

/** Chooses processes: about half of those of each role, and at least one of a role that has any. */
function victims(service: StormService, roles: readonly Role[], random: SeededRandom): RunningProcess[] {
  const processes = service.processes();
  return roles.flatMap((role) => {
    const all = processes.filter((each) => each.role === role);
    const drawn = all.filter(() => random.next() < 0.5);
    return drawn.length > 0 || all.length === 0 ? drawn : [random.pick(all)];
  });
}

function draw(random: SeededRandom): FaultKind {
  const total = FAULT_KINDS.reduce((sum, kind) => sum + WEIGHTS[kind], 0);
  let at = random.integer(1, total);
  for (const kind of FAULT_KINDS) {
    at -= WEIGHTS[kind];
    if (at <= 0) return kind;
  }
  return "kill";
}
