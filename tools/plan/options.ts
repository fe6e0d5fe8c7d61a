import { parseArgs } from "node:util";
import type { BackendName } from "../../infra/config.ts";
import { UsageError } from "../bench/usage-error.ts";
import { PROFILES, type Profile } from "./arrivals.ts";
import { BACKENDS } from "./backends/index.ts";
import { type Figure, figure } from "./figure.ts";
import { parseModel } from "./model-options.ts";
import { MODELS, type PlanModel } from "./models.ts";
import { choice, given, OPTIONS, whole, wholes } from "./option-values.ts";

export const USAGE = `usage: npm run plan -- --model NAME --videos-per-day N [options]
       npm run plan -- --document

  --model NAME              ${Object.keys(MODELS).join(", ")},
                            or own, with --steps and --step-seconds
  --videos-per-day N        the mean; default 1000
  --profile NAME            ${Object.keys(PROFILES).join(", ")}; default flat
  --days N                  simulated days; default 7
  --seed N                  of arrivals and cold starts; default 1
  --instance-types A,B      as in a deployment: planned on the first; default that of the model
  --speed X                 of the instance, over what the model's times were taken on; default 1
  --instances-max N,N       several are compared; default 1
  --idle-minutes N,N        several are compared; default 5
  --cold-start-seconds A-B  evenly distributed, or one number; default 300-660
  --waf                     with AWS WAF before the API
  --steps N, --step-seconds X, --computed-fast N, --computed-slow N, --reused-ratio X
                            denoising: steps, seconds of a computed one, computed ones of each cache, and the
                            time of a reused step over that of a computed one
  --load-seconds X, --encode-seconds X, --decode-seconds X, --write-seconds X
                            the rest of a video; load is for the first of an instance
  --model-gb X, --video-mb X
                            of what is stored
  --json                    prints the plan as JSON (npm itself keeps quiet with npm run --silent plan)
  --document                writes docs/costs.md
  --help                    prints this
`;

/** Everything a plan is made of. */
export interface PlanOptions {
  readonly backend: BackendName;
  readonly model: PlanModel;
  readonly videosPerDay: number;
  readonly profile: Profile;
  readonly days: number;
  readonly seed: number;
  readonly instanceTypes: readonly [string, ...string[]];
  readonly speed: Figure;
  /** The first of each is planned, all are compared. */
  readonly instancesMax: readonly [number, ...number[]];
  readonly idleMinutes: readonly [number, ...number[]];
  readonly coldStartSeconds: { readonly least: number; readonly most: number; readonly figure: Figure };
  readonly hasWaf: boolean;
}

export type PlanCommand =
  | { readonly kind: "plan"; readonly options: PlanOptions; readonly isJson: boolean }
  | { readonly kind: "document" }
  | { readonly kind: "help" };

/** The only one that there is. */
const BACKEND: BackendName = "sagemaker";

/** Enough for a year of a few thousand a day, and little enough to be held at once. */
const VIDEOS_MAX = 2_000_000;

/** @throws UsageError when the words cannot be understood; an unknown option is an error of parseArgs */
export function parsePlan(args: readonly string[]): PlanCommand {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  if (values.help) return { kind: "help" };
  if (values.document) {
    if (args.length > 1) throw new UsageError("--document stands alone: the document's scenarios are fixed.");
    return { kind: "document" };
  }
  const model = parseModel(values);
  const videosPerDay = whole(values, "videos-per-day", 1000, 100_000);
  const days = whole(values, "days", 7, 366);
  if (videosPerDay * days > VIDEOS_MAX)
    throw new UsageError(`${videosPerDay * days} videos are too many to simulate: give fewer --days.`);
  return {
    kind: "plan",
    isJson: values.json,
    options: {
      backend: BACKEND,
      model,
      videosPerDay,
      profile: choice("profile", values.profile ?? "flat", Object.keys(PROFILES) as Profile[]),
      days,
      seed: whole(values, "seed", 1, 2 ** 31 - 1),
      instanceTypes: parseInstanceTypes(values["instance-types"] ?? model.instanceType),
      speed:
        given(values, "speed", { least: 0.01, most: 100 }) ??
        figure(1, "assumed", `the instance is as fast as ${model.hardware}`),
      instancesMax: wholes(values, "instances-max", 1, { least: 1, most: 100 }),
      idleMinutes: wholes(values, "idle-minutes", 5, BACKENDS[BACKEND].idleMinutes),
      coldStartSeconds: parseColdStart(values["cold-start-seconds"]),
      hasWaf: values.waf,
    },
  };
}

function parseColdStart(words: string | undefined): PlanOptions["coldStartSeconds"] {
  if (words === undefined) return BACKENDS[BACKEND].coldStart;
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(words);
  const least = Number(match?.[1]);
  const most = Number(match?.[2] ?? match?.[1]);
  if (!match || least > most) {
    throw new UsageError(
      `--cold-start-seconds must be a number of seconds or two as in 300-660, got ${JSON.stringify(words)}.`,
    );
  }
  return { least, most, figure: figure((least + most) / 2, "given", "--cold-start-seconds") };
}

function parseInstanceTypes(words: string): [string, ...string[]] {
  const names = words.split(",").map((name) => name.trim());
  for (const name of names) choice("instance-types", name, Object.keys(BACKENDS[BACKEND].instanceTypes));
  return names as [string, ...string[]];
}
