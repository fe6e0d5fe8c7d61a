import type { Checkpoint, ModelPart } from "../../checkpoint/index.ts";

/** A part of a model with the headers of its weights read. */
export type OpenedPart = ModelPart & { readonly weights: Checkpoint };
