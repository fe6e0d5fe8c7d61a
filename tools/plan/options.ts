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
  --videos-per-day N        mean number of videos per day; default 1000
  --profile NAME            distribution over the day: ${Object.keys(PROFILES).join(", ")}; default flat
  --days N                  simulated days; default 7
  --seed N                  seed of arrivals and cold starts; default 1
  --instance-types A,B      as in a deployment; the plan uses the first; default depends on the model
  --speed X                 speed of the instance over that of the measured hardware; default 1
  --instances-max N,N       maximum number of instances; several values are compared; default 1
  --idle-minutes N,N        minutes without a job before scaling to zero; several are compared; default 5
  --cold-start-seconds A-B  uniformly distributed, or one number; default 300-660
  --waf                     with AWS WAF in front of the API
  --steps N, --step-seconds X, --computed-fast N, --computed-slow N, --reused-ratio X
                            denoising: steps, seconds per computed step, computed steps with each cache, and
                            the time of a reused step over that of a computed step
  --load-seconds X, --encode-seconds X, --decode-seconds X, --write-seconds X
                            other times of a video; load applies to an instance's first video
  --model-gb X, --video-mb X
                            sizes of the model and of a video in the bucket
  --json                    prints the plan as JSON (use npm run --silent plan to hide npm's own output)
  --document                writes docs/costs.md
  --help                    prints this
`;

/** Options of a plan. */
export interface PlanOptions {
  readonly backend: BackendName;
  readonly model: PlanModel;
  readonly videosPerDay: number;
  readonly profile: Profile;
  readonly days: number;
  readonly seed: number;
  readonly instanceTypes: readonly [string, ...string[]];
  readonly speed: Figure;
  /** Settings to compare; the first of each is used for the plan itself. */
  readonly instancesMax: readonly [number, ...number[]];
  readonly idleMinutes: readonly [number, ...number[]];
  readonly coldStartSeconds: { readonly least: number; readonly most: number; readonly figure: Figure };
  readonly hasWaf: boolean;
}

export type PlanCommand =
  | { readonly kind: "plan"; readonly options: PlanOptions; readonly isJson: boolean }
  | { readonly kind: "document" }
  | { readonly kind: "help" };

/** Backend of every plan, the only one so far. */
const BACKEND: BackendName = "sagemaker";

/** Maximum number of simulated videos: a year of a few thousand a day still fits into memory. */
const VIDEOS_MAX = 2_000_000;

/**
 * Parses the command line.
 *
 * @throws UsageError if a value is invalid; an unknown option is an error of parseArgs
 */
export function parsePlan(args: readonly string[]): PlanCommand {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  if (values.help) return { kind: "help" };
  if (values.document) {
    if (args.length > 1)
      throw new UsageError("--document takes no other options: the document's scenarios are fixed.");
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
