import { TIMEOUT_SECONDS } from "../../functions/api/order-fields.ts";
import { type BackendName, IDLE_MINUTES, SCALINGS } from "../../infra/config.ts";
import { command, type OptionValues, UsageError } from "../../lib/shared/command-line/index.ts";
import { PROFILES, type Profile } from "./arrivals.ts";
import { BACKENDS } from "./backends/index.ts";
import { type Figure, figure } from "./figure.ts";
import { MODELS } from "./models.ts";
import {
  figureFrom,
  oneOf,
  severalOf,
  wholeFigureTo,
  wholeFrom,
  wholesFrom,
  wholeTo,
} from "./option-values.ts";

export const NAME = "npm run plan --";

/** Mean number of computed steps. */
const STEPS = figureFrom(1, 1000);
const SECONDS = figureFrom(0, 3600);
/** A step that takes no time would make free videos. */
const STEP_SECONDS = figureFrom(0.001, 3600);

export const PLAN = command({
  text: "simulates a deployment for a number of videos per day: waiting times and costs",
  positionals: [],
  options: {
    model: {
      value: "NAME",
      text: `${Object.keys(MODELS).join(", ")}; own, or another name of npm run models, with --steps and --step-seconds`,
    },
    size: {
      value: "SIZE",
      text: "size of the videos, where several were timed: 480p or 720p of open-sora-1.2",
    },
    backend: {
      value: "NAME",
      text: `what runs the jobs: ${Object.keys(BACKENDS).join(", ")}`,
      default: "sagemaker",
      read: oneOf(Object.keys(BACKENDS) as BackendName[]),
    },
    "videos-per-day": {
      value: "N",
      text: "mean number of videos per day",
      default: "1000",
      read: wholeTo(100_000),
    },
    profile: {
      value: "NAME",
      text: `distribution over the day: ${Object.keys(PROFILES).join(", ")}`,
      default: "flat",
      read: oneOf(Object.keys(PROFILES) as Profile[]),
    },
    days: { value: "N", text: "simulated days", default: "7", read: wholeTo(366) },
    seed: { value: "N", text: "seed of arrivals and cold starts", default: "1", read: wholeTo(2 ** 31 - 1) },
    "instance-types": {
      value: "A,B",
      text: "as in a deployment; the plan uses the first; default depends on the model",
      read: severalOf(Object.values(BACKENDS).flatMap((backend) => Object.keys(backend.instanceTypes))),
    },
    "dollars-per-hour": {
      value: "X",
      text: "price of the instance in your region; default is that of us-east-1",
      read: figureFrom(0.001, 1000),
    },
    speed: {
      value: "X",
      text: "speed of the instance over that of the measured hardware; default: assumed from data sheets",
      read: figureFrom(0.01, 100),
    },
    "instances-max": {
      value: "N,N",
      text: "maximum number of instances; several values are compared",
      default: "1",
      read: wholesFrom({ least: 1, most: 100 }),
    },
    "idle-minutes": {
      value: "N,N",
      text: "minutes without a job before scaling to zero; several values are compared",
      default: "5",
      read: wholesFrom(IDLE_MINUTES),
    },
    scaling: {
      value: "HOW,HOW",
      text: `how instances of sagemaker are added, ${SCALINGS.join(" or ")}; default ${SCALINGS[0]}; both are compared`,
      read: severalOf(SCALINGS),
    },
    "timeout-seconds": {
      value: "N",
      text: "seconds after which an unfinished video fails, the timeout of a request",
      default: String(TIMEOUT_SECONDS.usual),
      read: wholeFrom(TIMEOUT_SECONDS),
    },
    "cold-start-seconds": {
      value: "A-B",
      text: "uniformly distributed, or one number; default by the backend, 300-660 for sagemaker",
      read: coldStartIn,
    },
    waf: { text: "with AWS WAF in front of the API" },
    steps: { value: "N", text: "denoising steps", read: wholeFigureTo(1000) },
    "step-seconds": { value: "X", text: "seconds per computed step", read: STEP_SECONDS },
    "computed-fast": { value: "N", text: "computed steps with cache fast", read: STEPS },
    "computed-slow": { value: "N", text: "computed steps with cache slow", read: STEPS },
    "reused-ratio": {
      value: "X",
      text: "time of a reused step over that of a computed step",
      read: figureFrom(0, 1),
    },
    "load-seconds": {
      value: "X",
      text: "seconds to load the model, for an instance's first video",
      read: SECONDS,
    },
    "encode-seconds": { value: "X", text: "seconds to encode a prompt", read: SECONDS },
    "decode-seconds": { value: "X", text: "seconds to decode the frames of a video", read: SECONDS },
    "write-seconds": { value: "X", text: "seconds to write the files of a video", read: SECONDS },
    "model-gb": { value: "X", text: "size of the stored model", read: figureFrom(0, 10_000) },
    "video-mb": { value: "X", text: "size of a stored video", read: figureFrom(0, 100_000) },
    json: { text: "prints the plan as JSON (use npm run --silent plan to hide npm's own output)" },
    document: { text: "writes docs/costs.md; takes no other options" },
  },
  example: "--model latte-1 --videos-per-day 500 --profile office",
});

/** Parsed options of a plan. */
export type Values = OptionValues<typeof PLAN.options>;

/** Range of the seconds that an instance takes to start. */
export interface ColdStart {
  readonly least: number;
  readonly most: number;
  readonly figure: Figure;
}

function coldStartIn(words: string): ColdStart {
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
