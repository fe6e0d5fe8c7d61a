/** Ways in which a pipeline gives texts and times to the transformer of LTX-Video. */
export interface Feeding {
  /** Rows of text, to which it is padded. */
  readonly length: number;
  /** True if the tokens of a text attend to the padding after them in the text encoder. */
  readonly encodesPadding: boolean;
  /** Frame of the video whose time a latent frame has, among those that the latent frame stands for. */
  readonly timedBy: "first" | "last";
}

/** @see diffusers 0.42.1, `pipeline_ltx.py` and `pipeline_ltx_image2video.py` */
const BY_DEFAULT: Feeding = { length: 128, encodesPadding: true, timedBy: "last" };

/** @see diffusers 0.42.1, `pipeline_ltx_condition.py` */
const BY_CONDITION: Feeding = { length: 256, encodesPadding: false, timedBy: "first" };

/** Returns how pipelines of a class feed the transformer. */
export function feedingOf(pipeline: string | undefined): Feeding {
  return pipeline === "LTXConditionPipeline" ? BY_CONDITION : BY_DEFAULT;
}
