import { expand, type Graph, reshape, type Value } from "../../onnx/index.ts";
import type { GuidanceBatch } from "../guidance-batch.ts";
import { paddedText } from "../text-feeds.ts";
import type { Condition, Feeds, Given, TextStates } from "./condition.ts";

/** Weights whose values the host can read. */
export interface ReadableWeights {
  read(name: string): Promise<Float32Array>;
}

export interface TextConditionOptions {
  /** Tokens of the longest text, end token included. */
  readonly length: number;
  /** Width of the text encoder's states. */
  readonly width: number;
  /** True if attention ignores the rows after a text. Otherwise it attends to them, and they are zeros. */
  readonly isMasked: boolean;
  /**
   * True if the tokens of a text attend to the padding after them in the text encoder; false by default. The states of
   * the padding are dropped in both cases.
   */
  readonly encodesPadding?: boolean;
  /**
   * Returns the unconditional text for a prompt of `tokens` tokens, if the model learnt one with its weights. Without
   * it, the states of an empty prompt are the unconditional text.
   */
  readonly learntText?: (weights: ReadableWeights, tokens: number) => Promise<TextStates>;
  /**
   * True if the unconditional text has as many rows as the conditional one: it is cut after them, or continues with the
   * text encoder's states of padding. By default each text has the rows of its own tokens.
   */
  readonly sharesLength?: boolean;
}

/** Condition of the texts of a batch, as states of the text encoder. */
export interface TextCondition extends Condition, Omit<TextConditionOptions, "isMasked"> {
  /** Declares the graph input `text` [B, L, width]. */
  input(graph: Graph, batch: GuidanceBatch): Value;
  /** Declares the graph input `textMask` [B, L]; returns it for `queries` rows, [B, 1, queries, L]. */
  maskInput(graph: Graph, batch: GuidanceBatch, queries: number): Value;
  /**
   * Returns the feeds of the texts.
   *
   * @throws RangeError if a text has no token, more than `length`, or rows of another width
   */
  generationFeeds(given: Given): Feeds;
}

export function textCondition({ isMasked, ...options }: TextConditionOptions): TextCondition {
  const { length, width } = options;
  return {
    ...options,
    input: (graph, batch) => graph.input("text", "float32", [batch, length, width]),
    maskInput(graph, batch, queries) {
      const mask = graph.input("textMask", "float32", [batch, length]);
      return expand(reshape(mask, [batch, 1, 1, length]), [batch, 1, queries, length]);
    },
    generationFeeds({ texts }) {
      const { text, textMask } = paddedText(texts, length, width);
      return isMasked ? { text, textMask } : { text };
    },
  };
}
