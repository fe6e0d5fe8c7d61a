import { type Checkpoint, commonFolder, relocated } from "../checkpoint/index.ts";
import type { NamedWeights } from "../models/index.ts";
import type { ExternalTensor, WeightChange } from "../onnx/index.ts";
import type { Lora } from "./read-lora.ts";

/** A LoRA with the scale that a user gave it. */
export interface AppliedLora {
  readonly lora: Lora;
  readonly scale: number;
}

/** Weights of a transformer that graphs are built from and sessions opened on. */
export type TransformerWeights = NamedWeights & Pick<Checkpoint, "root" | "checkAllUsed">;

/**
 * Returns the weights of a transformer with LoRAs. Nothing is copied: graphs add the changes to the weights as they lie
 * in the checkpoint. A scale of 0 applies nothing.
 */
export function withLoras(base: TransformerWeights, loras: readonly AppliedLora[]): TransformerWeights {
  const applied = loras.filter(({ scale }) => scale !== 0);
  if (applied.length === 0) return base;
  const root = commonFolder([base.root, ...applied.map(({ lora }) => lora.root)]);
  const located = (tensor: ExternalTensor, from: string) => relocated(tensor, from, root);
  return {
    root,
    has: (name) => base.has(name),
    info: (name) => base.info(name),
    tensor: (name, expectedShape) => located(base.tensor(name, expectedShape), base.root),
    changes: (name) =>
      applied.flatMap(({ lora, scale }) =>
        (lora.changes.get(name) ?? []).map((change): WeightChange => {
          const own = { scale: change.scale * scale };
          return "difference" in change
            ? { ...own, difference: located(change.difference, lora.root) }
            : { ...own, down: located(change.down, lora.root), up: located(change.up, lora.root) };
        }),
      ),
    quantized(name) {
      const found = base.quantized?.(name);
      return found && { values: located(found.values, base.root), scales: located(found.scales, base.root) };
    },
    checkAllUsed: (mayRemain) => base.checkAllUsed(mayRemain),
  };
}
