import { grouped } from "../../../shared/sentences/index.ts";
import type { Checkpoint } from "../../checkpoint/index.ts";
import type { NamedWeights } from "../../models/index.ts";
import type { ExternalTensor } from "../../onnx/index.ts";

/**
 * Weights of a part that record which tensors a graph asks for. A missing tensor is recorded instead of refused, so
 * that one pass finds every fault. A graph built with missing tensors must not be opened.
 */
export class DemandedWeights implements NamedWeights {
  readonly #checkpoint: Checkpoint;
  readonly #elements = new Map<string, number>();
  readonly #missing = new Set<string>();
  readonly #unfit = new Map<string, string>();

  constructor(checkpoint: Checkpoint) {
    this.#checkpoint = checkpoint;
  }

  has(name: string): boolean {
    return this.#checkpoint.has(name);
  }

  info(name: string): { readonly shape: readonly number[] } {
    return this.#checkpoint.info(name);
  }

  tensor(name: string, expectedShape: readonly number[]): ExternalTensor {
    const elements = expectedShape.reduce((product, size) => product * size, 1);
    this.#elements.set(name, elements);
    try {
      if (this.has(name)) return this.#checkpoint.tensor(name, expectedShape);
      this.#missing.add(name);
    } catch (error) {
      this.#unfit.set(name, (error as Error).message);
    }
    return { dtype: "float32", shape: expectedShape, location: "", offset: 0, byteLength: 4 * elements };
  }

  /** Number of elements of all tensors that were asked for. */
  get parameters(): number {
    return [...this.#elements.values()].reduce((sum, elements) => sum + elements, 0);
  }

  get missing(): readonly string[] {
    return [...this.#missing];
  }

  /** Faults of tensors that are present, one sentence for each cause. */
  get unfit(): readonly string[] {
    return grouped([...this.#unfit.values()], [...this.#unfit.keys()]);
  }

  /** Tensors that no graph asked for, except those with a fault. */
  get unused(): readonly string[] {
    return this.#checkpoint.unused().filter((name) => !this.#unfit.has(name));
  }
}
