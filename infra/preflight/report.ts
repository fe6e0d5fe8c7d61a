import { type Finding, type Obstacle, TRY_AGAIN } from "./finding.ts";

export type Found = readonly [subject: string, finding: Finding];

export interface Report {
  readonly lines: readonly string[];
  readonly isReady: boolean;
}

export interface ReportOptions {
  /** Lists checks that could not be made one by one, instead of in one line for each reason. */
  readonly isVerbose: boolean;
}

const KINDS: readonly Obstacle["kind"][] = ["login", "permission", "silence"];

/** Formats what was found: a line for each check, and last whether the deployment is ready, and if not, why not. */
export function reportOf(found: readonly Found[], { isVerbose }: ReportOptions): Report {
  const isFolded = ([, { obstacle }]: Found) => !isVerbose && obstacle !== null;
  const listed = found.filter((each) => !isFolded(each));
  const folded = KINDS.map((kind) =>
    found.filter((each) => isFolded(each) && each[1].obstacle!.kind === kind),
  );
  const open = found.filter(([, { state }]) => state === "wrong" || state === "to do");
  return {
    lines: [
      ...listed.map(([subject, { state, sentence }]) => line(state, `${subject}: ${sentence}`)),
      ...folded.filter(({ length }) => length > 0).map((checks) => line("unknown", together(checks))),
      verdict(found, open),
    ],
    isReady: open.length === 0,
  };
}

function line(state: Finding["state"], text: string): string {
  return `${state.padEnd("unknown".length)}  ${text}`;
}

/** Returns one sentence for checks that could not be made for the same reason. */
function together(checks: readonly Found[]): string {
  const obstacles = checks.map(([, { obstacle }]) => obstacle!);
  const names = checks.map(([subject]) => subject).join(", ");
  const several = checks.length > 1;
  const count = several ? `${checks.length} checks` : "1 check";
  const [first] = obstacles;
  switch (first!.kind) {
    case "login":
      return `${count} (${names}) ${several ? "need" : "needs"} AWS credentials.`;
    case "permission":
      return (
        `${count} (${names}) ${several ? "lack" : "lacks"} permissions: allow ${permissionsIn(obstacles).join("; ")}. ` +
        "npm run preflight -- --permissions deployer prints them all."
      );
    case "silence":
      return `${count} (${names}) got no answer from AWS (${first!.code}): ${TRY_AGAIN}.`;
  }
}

function permissionsIn(obstacles: readonly Obstacle[]): string[] {
  return [...new Set(obstacles.flatMap((each) => (each.kind === "permission" ? [each.permission] : [])))];
}

function verdict(found: readonly Found[], open: readonly Found[]): string {
  const [first] = open;
  if (first) {
    const subjects = open.map(([subject]) => subject).join(", ");
    return `Not ready, because of ${subjects}. Next: ${first[1].remedy}`;
  }
  const missed = found.filter(([, { obstacle }]) => obstacle !== null).length;
  return missed === 0
    ? "Ready to deploy."
    : `Ready to deploy as far as could be checked: ${missed} of ${found.length} checks could not be made.`;
}
