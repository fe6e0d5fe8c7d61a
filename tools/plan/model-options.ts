import { UsageError } from "../bench/usage-error.ts";
import { type Figure, figure } from "./figure.ts";
import { MODELS, type PlanModel } from "./models.ts";
import { given, type Values } from "./option-values.ts";

const NOTHING = figure(0, "assumed", "not given");
/** Default for own models: the cache computes the same share of steps as with the demo model. */
const DEMO = MODELS.demo!.denoising as Extract<PlanModel["denoising"], { by: "steps" }>;

/**
 * Returns the model that the command line names. Numbers on the command line replace those of the model.
 *
 * @throws UsageError if the model is unknown, or its numbers are missing or out of range
 */
export function parseModel(values: Values): PlanModel {
  const name = values.model as string | undefined;
  const known = `${Object.keys(MODELS).join(", ")} or own`;
  if (name === undefined) throw new UsageError(`--model is missing: choose ${known}.`);
  const preset = name === "own" ? ownModel : Object.hasOwn(MODELS, name) ? MODELS[name] : undefined;
  if (!preset) throw new UsageError(`There is no model ${name}: choose ${known}.`);
  const seconds = { least: 0, most: 3600 };
  return {
    ...preset,
    denoising: parseDenoising(values, preset.denoising, name),
    load: given(values, "load-seconds", seconds) ?? preset.load,
    encode: given(values, "encode-seconds", seconds) ?? preset.encode,
    decode: given(values, "decode-seconds", seconds) ?? preset.decode,
    write: given(values, "write-seconds", seconds) ?? preset.write,
    modelGb: given(values, "model-gb", { least: 0, most: 10_000 }) ?? preset.modelGb,
    videoMb: given(values, "video-mb", { least: 0, most: 100_000 }) ?? preset.videoMb,
  };
}

const ownModel: PlanModel = {
  title: "a model of your own",
  hardware: "your own measurements",
  denoising: DEMO,
  load: NOTHING,
  encode: NOTHING,
  decode: NOTHING,
  write: NOTHING,
  modelGb: NOTHING,
  videoMb: NOTHING,
  instanceType: "ml.g6e.2xlarge",
};

function parseDenoising(
  values: Values,
  preset: PlanModel["denoising"],
  name: string,
): PlanModel["denoising"] {
  const steps = given(values, "steps", { least: 1, most: 1000 });
  const stepSeconds = given(values, "step-seconds", { least: 0, most: 3600 });
  const fast = given(values, "computed-fast", { least: 1, most: 1000 });
  const slow = given(values, "computed-slow", { least: 1, most: 1000 });
  const reusedRatio = given(values, "reused-ratio", { least: 0, most: 1 });
  const isOwn = name === "own" || preset.by === "latency";
  if (isOwn && (!steps || !stepSeconds)) {
    if (name !== "own" && ![steps, stepSeconds, fast, slow, reusedRatio].some(Boolean)) return preset;
    throw new UsageError(`--model ${name} needs both --steps and --step-seconds for a plan by steps.`);
  }
  const known = preset.by === "steps" ? preset : DEMO;
  const all = steps ?? known.steps;
  const computed = (cache: "fast" | "slow", figureGiven: Figure | null): Figure => {
    if (figureGiven && figureGiven.value > all.value)
      throw new UsageError(`--computed-${cache} must be at most the number of steps, ${all.value}.`);
    if (figureGiven) return figureGiven;
    const measured = known.computedSteps[cache];
    if (!steps) return measured;
    const share = measured.value / known.steps.value;
    return figure(share * all.value, "assumed", "the demo model's share of computed steps at 30 steps");
  };
  return {
    by: "steps",
    steps: all,
    stepSeconds: stepSeconds ?? known.stepSeconds,
    reusedRatio: reusedRatio ?? known.reusedRatio,
    computedSteps: { slow: computed("slow", slow), fast: computed("fast", fast) },
  };
}
