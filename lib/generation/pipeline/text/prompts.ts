import type { GuidanceBatch, TextCondition } from "../../models/index.ts";
import type { EncodedPrompt, ModelParts } from "../model/parts.ts";
import type { ReadTexts } from "./read-texts.ts";

export interface Prompts extends ReadTexts {
  readonly batch: GuidanceBatch;
}

/**
 * Encodes the text of each row of the batch: the prompt and, in a batch of 2, the unconditional text. The unconditional
 * text is the negative prompt; without one it is the text that the model learnt for this purpose, or else an empty
 * prompt.
 */
export async function encodePrompts(
  model: ModelParts,
  text: TextCondition,
  { prompt, negativePrompt, batch }: Prompts,
): Promise<readonly [EncodedPrompt, ...EncodedPrompt[]]> {
  const { sharesLength, learntText } = text;
  const conditional = await model.encode(prompt, text);
  if (batch === 1) return [conditional];
  if (negativePrompt === null && learntText) {
    const learnt = await learntText(model.transformers[0].weights, conditional.tokens);
    return [conditional, { ...learnt, isTruncated: false }];
  }
  const rows = sharesLength ? conditional.tokens : undefined;
  return [conditional, await model.encode(negativePrompt ?? "", text, rows)];
}
