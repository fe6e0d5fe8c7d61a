import { recipeNames } from "../../lib/distribution/hub/index.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";
import { type Figure, figure } from "./figure.ts";
import { DEMO_STEPS, MODELS, type PlanModel, SAME_SHARE } from "./models.ts";
import type { Values } from "./plan-command.ts";

const NOTHING = figure(0, "assumed", "not given");

/**
 * Returns the model that the command line names. Numbers on the command line replace those of the model.
 *
 * @throws UsageError if the model is unknown, or its numbers are missing or out of range
 */
export function parseModel(values: Values): PlanModel {
  const name = values.model;
  const known = `${Object.keys(MODELS).join(", ")} or own`;
  if (name === undefined) throw new UsageError(`--model is missing: choose ${known}.`);
  const preset = presetOf(name, values.size);
  if (!preset) throw new UsageError(`There is no model ${name}: choose ${known}.`);
  return {
    ...preset,
    denoising: parseDenoising(values, preset.denoising, name),
    load: values["load-seconds"] ?? preset.load,
    encode: values["encode-seconds"] ?? preset.encode,
    decode: values["decode-seconds"] ?? preset.decode,
    write: values["write-seconds"] ?? preset.write,
    modelGb: values["model-gb"] ?? preset.modelGb,
    videoMb: values["video-mb"] ?? preset.videoMb,
  };
}

function presetOf(name: string, size: string | undefined): PlanModel | undefined {
  const sizes = Object.hasOwn(MODELS, name) ? MODELS[name]! : {};
  const [first] = Object.values(sizes);
  if (size !== undefined && !Object.hasOwn(sizes, size)) {
    const timed = first ? `choose ${Object.keys(sizes).join(" or ")}` : "leave --size out";
    throw new UsageError(`No videos of ${name} with the size ${size} were timed: ${timed}.`);
  }
  if (first) return size === undefined ? first : sizes[size];
  if (name === "own") return ownModel;
  return recipeNames.includes(name) ? { ...ownModel, title: name } : undefined;
}

const ownModel: PlanModel = {
  title: "a model of your own",
  hardware: "your own measurements",
  gpu: null,
  denoising: DEMO_STEPS,
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
  const { steps, "step-seconds": stepSeconds, "reused-ratio": reusedRatio } = values;
  const { "computed-fast": fast, "computed-slow": slow } = values;
  const isTimed = Object.hasOwn(MODELS, name);
  const needsSteps = !isTimed || preset.by === "latency";
  if (needsSteps && (!steps || !stepSeconds)) {
    if (isTimed && ![steps, stepSeconds, fast, slow, reusedRatio].some(Boolean)) return preset;
    const why = isTimed || name === "own" ? "for a plan by steps" : "because nobody has timed it yet";
    throw new UsageError(`--model ${name} needs both --steps and --step-seconds, ${why}.`);
  }
  const known = preset.by === "steps" ? preset : DEMO_STEPS;
  const all = steps ?? known.steps;
  const computed = (cache: "fast" | "slow", figureGiven: Figure | undefined): Figure => {
    if (figureGiven && figureGiven.value > all.value)
      throw new UsageError(`--computed-${cache} must be at most the number of steps, ${all.value}.`);
    if (figureGiven) return figureGiven;
    const measured = known.computedSteps[cache];
    if (!steps) return measured;
    const share = measured.value / known.steps.value;
    return figure(share * all.value, "assumed", SAME_SHARE);
  };
  return {
    by: "steps",
    steps: all,
    stepSeconds: stepSeconds ?? known.stepSeconds,
    reusedRatio: reusedRatio ?? known.reusedRatio,
    computedSteps: { slow: computed("slow", slow), fast: computed("fast", fast) },
  };
}
