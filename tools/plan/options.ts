import { faultOfTypes } from "../../infra/backends/instance-types.ts";
import { type BackendName, SCALINGS, type Scaling } from "../../infra/config.ts";
import { parseCommand, UsageError } from "../../lib/shared/command-line/index.ts";
import type { Profile } from "./arrivals.ts";
import { BACKENDS } from "./backends/index.ts";
import type { Figure } from "./figure.ts";
import { parseModel } from "./model-options.ts";
import type { PlanModel } from "./models.ts";
import { type ColdStart, NAME, PLAN } from "./plan-command.ts";
import { speedOf } from "./speeds.ts";

/** Options of a plan. */
export interface PlanOptions {
  readonly backend: BackendName;
  readonly model: PlanModel;
  readonly videosPerDay: number;
  readonly profile: Profile;
  readonly days: number;
  readonly seed: number;
  readonly instanceTypes: readonly [string, ...string[]];
  /** Price of an instance in US dollars; null for that of the first type in us-east-1. */
  readonly dollarsPerHour: Figure | null;
  readonly speed: Figure;
  /** Settings to compare; the first of each is used for the plan itself. */
  readonly instancesMax: readonly [number, ...number[]];
  readonly idleMinutes: readonly [number, ...number[]];
  readonly scaling: readonly [Scaling, ...Scaling[]];
  /** Seconds from a request to its deadline. */
  readonly deadlineSeconds: number;
  readonly coldStartSeconds: ColdStart;
  readonly hasWaf: boolean;
}

export type PlanCommand =
  | { readonly kind: "plan"; readonly options: PlanOptions; readonly isJson: boolean }
  | { readonly kind: "document" }
  | { readonly kind: "help" };

/** Maximum number of simulated videos: a year of a few thousand a day still fits into memory. */
const VIDEOS_MAX = 2_000_000;

/** Parses the command line. @throws UsageError if it is invalid */
export function parsePlan(args: readonly string[]): PlanCommand {
  if (args.includes("-c"))
    throw new UsageError(
      "-c is for cdk and preflight: say --backend, --instance-types and so on, see --help.",
    );
  const given = parseCommand(NAME, PLAN, args);
  if (given === "help") return { kind: "help" };
  const { values } = given;
  if (values.document) {
    if (args.length > 1)
      throw new UsageError("--document takes no other options: the document's scenarios are fixed.");
    return { kind: "document" };
  }
  const model = parseModel(values);
  const { "videos-per-day": videosPerDay, days, profile, seed } = values;
  const backend = BACKENDS[values.backend];
  const [type, ...others] = values["instance-types"] ?? [backend.typeLike(model.instanceType)];
  const chosen = { backend: values.backend, instanceTypes: [type, ...others] };
  const fault = faultOfTypes(chosen, "--instance-types ");
  if (fault !== null) throw new UsageError(fault);
  if (values.backend !== "sagemaker" && values.scaling)
    throw new UsageError("--scaling belongs to --backend sagemaker: leave one of them out.");
  const gpu = backend.instanceTypes[type]!.gpu?.name ?? null;
  if (gpu === null && model.gpu !== null && !values.speed)
    throw new UsageError(
      `${type} has no GPU, and ${values.model} was timed on one: name another type, or say --speed.`,
    );
  if (videosPerDay * days > VIDEOS_MAX)
    throw new UsageError(`${videosPerDay * days} videos are too many to simulate: give fewer --days.`);
  return {
    kind: "plan",
    isJson: values.json,
    options: {
      backend: values.backend,
      model,
      videosPerDay,
      profile,
      days,
      seed,
      instanceTypes: [type, ...others],
      dollarsPerHour: values["dollars-per-hour"] ?? null,
      speed: values.speed ?? speedOf(gpu, model),
      instancesMax: values["instances-max"],
      idleMinutes: values["idle-minutes"],
      scaling: values.scaling ?? [SCALINGS[0]],
      deadlineSeconds: values["timeout-seconds"],
      coldStartSeconds: values["cold-start-seconds"] ?? backend.coldStart,
      hasWaf: values.waf,
    },
  };
}
