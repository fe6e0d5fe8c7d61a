import type { Attributes, Initializer, Model, Node, TypedName } from "./model-proto.ts";
import { elementCount } from "./shape.ts";
import { dataTypes } from "./types.ts";

/** Operators whose weights are cast late. Kernels of convolutions are not: the runtime rearranges constant ones. */
const products = new Set(["Gemm", "MatMul"]);

/** Elements from which a weight is cast late. Copies of smaller ones, such as biases, take little memory. */
const ELEMENTS_MIN = 2 ** 12;

/** A weight that can be cast late, and the operand of its product that is known only when the graph runs. */
interface LateCast {
  readonly cast: Node;
  readonly weight: TypedName;
  readonly beside: TypedName;
}

/** Returns the weights of products, of 8 or 16 bits, that a session would copy to float32 when it opens. */
export function lateWeights(model: Model): TypedName[] {
  return [...lateCasts(model).values()].map(({ weight }) => weight);
}

/**
 * Returns the model with weights of products, of 8 or 16 bits, cast to float32 when it runs, each right before its
 * product.
 *
 * The runtime computes a Cast of a weight when it opens the model, and then holds a float32 copy of every weight. Where
 * that is switched off, nothing keeps it from running all casts before the first block. So a weight passes through a
 * Reshape to its own shape, which is computed from the product's other operand. That copies nothing and changes no
 * number.
 */
export function withLateCasts(model: Model): Model {
  const late = lateCasts(model);
  if (late.size === 0) return model;
  const early = new Set([...late.values()].map(({ cast }) => cast));
  const made = new LateNodes();
  const nodes: Node[] = [];
  for (const node of model.nodes) {
    if (early.has(node)) continue;
    for (const name of node.inputs) {
      const found = late.get(name);
      if (!found) continue;
      late.delete(name);
      nodes.push(...made.castOf(found));
    }
    nodes.push(node);
  }
  return { ...model, nodes, initializers: [...model.initializers, ...made.constants] };
}

/** Makes the nodes of late casts. */
class LateNodes {
  readonly #constants = new Map<string, Initializer>();
  readonly #zeros = new Map<string, TypedName>();

  get constants(): Iterable<Initializer> {
    return this.#constants.values();
  }

  castOf({ cast, weight, beside }: LateCast): Node[] {
    const shape: TypedName = { name: `${weight.name}/shape`, dtype: "int64", shape: [weight.shape.length] };
    const view: TypedName = { ...weight, name: `${weight.name}/view` };
    const known = this.#zeros.get(beside.name);
    const zeroNodes = known ? [] : this.#zeroOf(beside);
    const zero = known ?? zeroNodes.at(-1)!.outputs[0]!;
    this.#zeros.set(beside.name, zero);
    return [
      ...zeroNodes,
      nodeOf("Add", [this.#integers(weight.shape), zero.name], shape),
      nodeOf("Reshape", [weight.name, shape.name], view),
      { ...cast, inputs: [view.name] },
    ];
  }

  /** Returns the nodes of a zero [1] that depends on the value of x: nothing is less than itself, not even NaN. */
  #zeroOf(x: TypedName): Node[] {
    const one = x.shape.map(() => 1);
    const named = (what: string, dtype: TypedName["dtype"], shape: readonly number[]): TypedName => ({
      name: `${x.name}/${what}`,
      dtype,
      shape,
    });
    const from = this.#integers(x.shape.map(() => 0));
    const [to, axes] = [this.#integers(one), this.#integers(x.shape.map((_, axis) => axis))];
    const [first, isLess] = [named("first", x.dtype, one), named("isLess", "bool", one)];
    const [number, zero] = [named("number", "int64", one), named("zero", "int64", [1])];
    return [
      nodeOf("Slice", [x.name, from, to, axes], first),
      nodeOf("Less", [first.name, first.name], isLess),
      nodeOf("Cast", [isLess.name], number, { to: { int: dataTypes.int64.code } }),
      nodeOf("Reshape", [number.name, this.#integers([1])], zero),
    ];
  }

  #integers(values: readonly number[]): string {
    const name = `integers/${values.join(",")}`;
    const raw = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    this.#constants.set(name, { name, dtype: "int64", shape: [values.length], source: { raw } });
    return name;
  }
}

function nodeOf(
  opType: string,
  inputs: readonly string[],
  output: TypedName,
  attributes: Attributes = {},
): Node {
  return { name: output.name, opType, domain: "", inputs, outputs: [output], attributes };
}

/** Returns the casts that can be late, by the name of the float32 weight. */
function lateCasts({ nodes, inputs, initializers }: Model): Map<string, LateCast> {
  const stored = new Map(initializers.map((tensor) => [tensor.name, tensor]));
  /** Values that are known only when the graph runs. */
  const running = new Map<string, TypedName>(inputs.map((input) => [input.name, input]));
  const casts = new Map<string, Node>();
  const late = new Map<string, LateCast>();
  for (const node of nodes) {
    if (isWeightCast(node, stored)) casts.set(node.outputs[0]!.name, node);
    for (const name of node.inputs) {
      const cast = casts.get(name);
      if (!cast) continue;
      // The first operator that reads a weight decides.
      casts.delete(name);
      const { dtype, shape } = stored.get(cast.inputs[0]!)!;
      const beside = node.inputs.find((other) => running.has(other));
      if (beside === undefined || !products.has(node.opType) || elementCount(shape) < ELEMENTS_MIN) continue;
      late.set(name, {
        cast,
        weight: { name: cast.inputs[0]!, dtype, shape },
        beside: running.get(beside)!,
      });
    }
    if (node.inputs.some((name) => running.has(name)))
      for (const output of node.outputs) running.set(output.name, output);
  }
  return late;
}

function isWeightCast({ opType, inputs, outputs }: Node, stored: ReadonlyMap<string, Initializer>): boolean {
  const weight = stored.get(inputs[0]!);
  return (
    opType === "Cast" &&
    weight !== undefined &&
    "external" in weight.source &&
    outputs[0]!.dtype === "float32"
  );
}
