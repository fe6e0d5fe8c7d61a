import type { DiffusionTransformer } from "../../models/index.ts";
import type { ResolvedRequest } from "../../request/index.ts";
import type { EncodedPrompt, ModelParts } from "../model/parts.ts";
import { captionOf, withSuffix } from "./caption.ts";

/** The states of both guidance halves' texts. */
export interface EncodedPrompts {
  readonly conditional: EncodedPrompt;
  readonly unconditional: EncodedPrompt;
}

/**
 * Without a negative prompt the unconditional half is what the model learnt for none, or else an empty
 * prompt.
 */
export async function encodePrompts(
  model: ModelParts,
  { textLength, textsShareLength, nullText }: DiffusionTransformer,
  { prompt, negativePrompt }: Pick<ResolvedRequest, "prompt" | "negativePrompt">,
): Promise<EncodedPrompts> {
  const { caption, prompt_suffix } = model.recipe;
  const conditional = await model.encode(captionOf(withSuffix(prompt, prompt_suffix), caption), textLength);
  if (negativePrompt !== null || !nullText) {
    const rows = textsShareLength ? conditional.tokens : undefined;
    const unconditional = await model.encode(captionOf(negativePrompt ?? "", caption), textLength, rows);
    return { conditional, unconditional };
  }
  const learnt = await nullText(model.transformers[0].weights, conditional.tokens);
  return { conditional, unconditional: { ...learnt, isTruncated: false } };
}
