import { createHash } from "node:crypto";
import { activationBytes } from "./activation-bytes.ts";
import { withLateCasts } from "./late-casts.ts";
import {
  type Attributes,
  encodeModel,
  type Initializer,
  type Model,
  type Node,
  type TypedName,
} from "./model-proto.ts";
import { precisionFault, providerTraits } from "./provider-traits.ts";
import { MAPPED_BYTES_MIN } from "./session.ts";
import { elementCount, formatShape, type Shape, sameShape } from "./shape.ts";
import {
  type DType,
  dataTypes,
  defaultProvider,
  type ExternalTensor,
  GraphError,
  type Precision,
  type Provider,
  type TensorData,
  type WeightSource,
} from "./types.ts";
import { mappableBytes, weightBytes } from "./weight-bytes.ts";
import { type LowRank, withDifference, withLowRank } from "./weight-changes.ts";
import { type QuantizedWeight, quantize } from "./weight-quantization.ts";

/** Tensor of a graph under construction. Shapes are static: every size is known when the graph is built. */
export interface Value {
  readonly graph: Graph;
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

export interface GraphOptions {
  readonly provider?: Provider;
  readonly weights?: WeightSource;
  /** `SessionOptions.mappedBytesMin` of the session that will run the graph. */
  readonly mappedBytesMin?: number;
  /**
   * True to hold float32 copies of 16-bit weights whatever they take; false by default. On the CPU products are up to a
   * quarter faster with copies.
   */
  readonly holdsCopies?: boolean;
  /**
   * True to compute float32 linear layers with the weights that the source has in 8-bit integers, instead of those in
   * float32; false by default. They are cast like 16-bit weights, and activations are not quantised.
   */
  readonly readsIntegers?: boolean;
}

/** Weight with low-rank changes that are not added to it yet. */
export interface BranchedWeight {
  readonly weight: Value;
  readonly branches: readonly LowRank<Value>[];
}

/**
 * ONNX graph under construction. Operators are free functions over `Value`s (`add`, `linear`, `attention`,
 * ...). The graph itself keeps inputs, outputs, weights, constants and the scope that prefixes node names.
 *
 * @example
 * const checkpoint = await Checkpoint.open("models/demo/transformer");
 * const graph = new Graph({ weights: checkpoint });
 * const x = graph.input("x", "float32", [1, 192]);
 * graph.output("y", linear(x, graph.weight("final_layer.linear.weight", [64, 192])));
 * const model = graph.build();
 */
export class Graph {
  readonly provider: Provider;
  readonly #mappedBytesMin: number;
  readonly #castsLate: boolean;
  readonly #readsIntegers: boolean;
  readonly #weightSource: WeightSource | undefined;
  readonly #names = new Set<string>();
  /** Number of nodes per path, so that a unique name is found without trying every smaller suffix. */
  readonly #nameCounts = new Map<string, number>();
  readonly #nodes: Node[] = [];
  readonly #inputs: TypedName[] = [];
  readonly #outputs: TypedName[] = [];
  readonly #initializers: Initializer[] = [];
  readonly #weights = new Map<string, Value>();
  /** Stored 16-bit weights, keyed by the name of the float32 value they are cast to. */
  readonly #stored = new Map<string, Value>();
  /** Parts of weights with low-rank changes, keyed by the name of their sum. */
  readonly #branched = new Map<string, BranchedWeight>();
  /** Weights in 8-bit integers, keyed by the name of the weight. */
  readonly #quantized = new Map<string, QuantizedWeight<Value>>();
  /** Results of `once`. */
  readonly #built = new Map<string, unknown>();
  readonly #constants = new Map<string, Value>();
  readonly #scopes: string[] = [];
  #precision: Precision = "float32";
  /** The lowered model, as long as no node is added. */
  #last: { readonly size: number; readonly model: Model } | null = null;

  constructor(options: GraphOptions = {}) {
    this.provider = options.provider ?? defaultProvider;
    this.#mappedBytesMin = options.mappedBytesMin ?? MAPPED_BYTES_MIN;
    this.#castsLate = providerTraits[this.provider].castsLate && !options.holdsCopies;
    this.#readsIntegers = options.readsIntegers ?? false;
    this.#weightSource = options.weights;
  }

  input(name: string, dtype: DType, shape: Shape): Value {
    this.#checkShape(shape, `input ${JSON.stringify(name)}`);
    this.#reserve(name, "input");
    this.#inputs.push({ name, dtype, shape });
    return { graph: this, name, dtype, shape };
  }

  /** Makes `value` an output of the model. The session returns it under `name`. */
  output(name: string, value: Value): void {
    this.#reserve(name, "output");
    this.#checkOwner(value);
    const { dtype, shape } = value;
    const output = { name, dtype, shape };
    this.#outputs.push(output);
    this.#nodes.push({
      name: this.#uniqueName("Identity"),
      opType: "Identity",
      domain: "",
      inputs: [value.name],
      outputs: [output],
      attributes: {},
    });
  }

  /** Runs `body` with `name` appended to the scope path, which prefixes node names and error messages. */
  scope<R>(name: string, body: () => R): R {
    this.#scopes.push(name);
    try {
      return body();
    } finally {
      this.#scopes.pop();
    }
  }

  /**
   * Runs `body` with products (`linear`, `matmul`, `attention`) computed in `precision`; elsewhere they are
   * float32. Products and operators on their results alone have that type, which is float32 for `int8`. Normalisations,
   * rotary embeddings, and operators with a float32 operand stay float32.
   *
   * @throws GraphError if the provider has no such products
   */
  inPrecision<R>(precision: Precision, body: () => R): R {
    const fault = precisionFault(precision, this.provider);
    if (fault !== undefined) this.fail(fault);
    const outer = this.#precision;
    this.#precision = precision;
    try {
      return body();
    } finally {
      this.#precision = outer;
    }
  }

  /** Precision of products in the current scope. */
  get precision(): Precision {
    return this.#precision;
  }

  /**
   * Casts `value` to the type of factors of products in the current scope. Each value is cast once. A weight stored
   * in that precision is used as stored, without a cast.
   */
  asFactor(value: Value): Value {
    const dtype = this.#precision === "int8" ? "float32" : this.#precision;
    if (value.dtype === dtype) return value;
    const stored = this.#stored.get(value.name) ?? value;
    if (stored.dtype === dtype) return stored;
    const output = { dtype, shape: stored.shape };
    const cast = () => this.node("Cast", [stored], [output], { to: { int: dataTypes[dtype].code } })[0]!;
    return this.once(`${dtype} of ${stored.name}`, cast);
  }

  /** Returns a weight in the type in which the checkpoint stores it; any other value is returned as it is. */
  asStored(value: Value): Value {
    return this.#stored.get(value.name) ?? value;
  }

  /**
   * Declares a weight of the checkpoint. Its bytes stay in the file and the session reads them there. Weights
   * stored in 16 bits are cast to float32: when the session opens, or right before each product if they are
   * many (see late-casts.ts). float16 products use the stored weight instead (see `asFactor`). Changes of the
   * weight are added to it, and a product can have the low-rank ones apart (see `branched`).
   *
   * @throws GraphError when the checkpoint has no such tensor or another shape
   */
  weight(name: string, expectedShape: Shape): Value {
    const known = this.#weights.get(name);
    if (known) {
      if (sameShape(known.shape, expectedShape)) return known;
      this.fail(
        `weight ${name} has shape ${formatShape(known.shape)} and was requested as ${formatShape(expectedShape)}`,
      );
    }
    if (!this.#weightSource) this.fail(`weight ${name} was requested, but this graph has no weights`);
    let external: ReturnType<WeightSource["tensor"]>;
    try {
      external = this.#weightSource.tensor(name, expectedShape);
    } catch (cause) {
      throw new GraphError(this.#locate(cause instanceof Error ? cause.message : String(cause)), { cause });
    }
    const value = this.#changed(name, this.#external(name, external));
    this.#weights.set(name, value);
    return value;
  }

  /** Returns the parts of a weight with low-rank changes, whose sum it is; any other value has no branches. */
  branched(weight: Value): BranchedWeight {
    return this.#branched.get(weight.name) ?? { weight, branches: [] };
  }

  /**
   * Returns a weight [out, in] in 8-bit integers: as the weights have it stored, or else quantised when the session
   * opens.
   */
  quantized(weight: Value): QuantizedWeight<Value> {
    const known = this.#storedQuantized(weight);
    if (known) return known;
    const quantized = quantize<Value>(this, weight);
    this.#quantized.set(weight.name, quantized);
    return quantized;
  }

  /**
   * Returns a weight [out, in] in 8-bit integers for a product that is not quantised; undefined where this graph reads
   * no integers, or the weights have none of it.
   */
  storedIntegers(weight: Value): QuantizedWeight<Value> | undefined {
    return this.#readsIntegers ? this.#storedQuantized(weight) : undefined;
  }

  #storedQuantized(weight: Value): QuantizedWeight<Value> | undefined {
    const known = this.#quantized.get(weight.name);
    if (known) return known;
    const { name } = this.asStored(weight);
    const stored = this.#weights.has(name) ? this.#weightSource?.quantized?.(name) : undefined;
    if (!stored) return undefined;
    const quantized = {
      values: this.#external(`${name}/values`, stored.values),
      scales: this.#external(`${name}/scales`, stored.scales),
    };
    this.#quantized.set(weight.name, quantized);
    return quantized;
  }

  /**
   * Returns what `build` returned for this key, which names all that it depends on. So layers that take the same input
   * share the nodes that prepare it.
   */
  once<R>(key: string, build: () => R): R {
    if (!this.#built.has(key)) this.#built.set(key, build());
    return this.#built.get(key) as R;
  }

  /** Adds a constant tensor. Equal constants are stored once. A `Uint8Array` makes a bool tensor. */
  constant(data: TensorData, shape: Shape): Value {
    this.#checkShape(shape, "constant");
    if (data.length !== elementCount(shape)) {
      this.fail(`constant of ${data.length} elements cannot have shape ${formatShape(shape)}`);
    }
    const dtype = dataTypeOf(data);
    // Copy, so that the caller may reuse the array. ONNX wants little-endian, which every Node platform is.
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
    const key = `${dtype} ${formatShape(shape)} ${createHash("sha256").update(raw).digest("hex")}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const name = `constant/${this.#constants.size}`;
    this.#reserve(name, "constant");
    this.#initializers.push({ name, dtype, shape, source: { raw } });
    const value: Value = { graph: this, name, dtype, shape };
    this.#constants.set(key, value);
    return value;
  }

  /**
   * Appends one ONNX node; all operators are built on it. `outputs` must be the types that ONNX infers,
   * otherwise the session refuses the model. An `undefined` input is an optional one left out.
   */
  node(
    opType: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly TensorType[],
    attributes: Attributes = {},
    domain = "",
  ): Value[] {
    for (const input of inputs) if (input) this.#checkOwner(input);
    const name = this.#uniqueName(opType);
    const values = outputs.map(({ dtype, shape }, index): Value => {
      this.#checkShape(shape, opType);
      const valueName = index === 0 ? name : `${name}:${index}`;
      return { graph: this, name: valueName, dtype, shape };
    });
    this.#nodes.push({
      name,
      opType,
      domain,
      inputs: withoutTrailingBlanks(inputs.map((input) => input?.name ?? "")),
      outputs: values.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
      attributes,
    });
    return values;
  }

  /** @throws GraphError always; the message starts with the scope path */
  fail(message: string): never {
    throw new GraphError(this.#locate(message));
  }

  /**
   * Bytes in float32 of the weights that a session can map: those that are read as they are stored, and those that are
   * cast while it runs. By this number the session chooses between copying and mapping them.
   */
  get weightBytes(): number {
    return mappableBytes(this.#model(), { castsLate: this.#castsLate });
  }

  /** Bytes of weights that an open session holds, in its memory or mapped from the file. */
  get heldWeightBytes(): number {
    return weightBytes(this.#lowered());
  }

  /**
   * Estimated peak bytes of activations while the graph runs, without weights and constants. The runtime may
   * order nodes differently, and computes some results in place.
   */
  get activationBytes(): number {
    return activationBytes(this.#lowered(), providerTraits[this.provider]);
  }

  /** The ONNX model. Nodes, weights and inputs that no output needs are left out. */
  get model(): Model {
    return this.#lowered();
  }

  /** Serialises the ONNX model. */
  build(): Uint8Array {
    return encodeModel(this.model);
  }

  #lowered(): Model {
    const size = this.#nodes.length;
    if (this.#last?.size !== size) this.#last = { size, model: this.#lower() };
    return this.#last.model;
  }

  #lower(): Model {
    const model = this.#model();
    const isMapped = mappableBytes(model, { castsLate: this.#castsLate }) >= this.#mappedBytesMin;
    return this.#castsLate && isMapped ? withLateCasts(model) : model;
  }

  #model(): Model {
    if (this.#outputs.length === 0) this.fail("the graph has no output");
    const needed = new Set(this.#outputs.map((output) => output.name));
    const nodes: Node[] = [];
    for (const node of this.#nodes.toReversed()) {
      if (!node.outputs.some((output) => needed.has(output.name))) continue;
      for (const input of node.inputs) needed.add(input);
      nodes.push(node);
    }
    return {
      nodes: nodes.reverse(),
      inputs: this.#inputs.filter((input) => needed.has(input.name)),
      outputs: this.#outputs,
      initializers: this.#initializers.filter((tensor) => needed.has(tensor.name)),
    };
  }

  /** Declares a tensor whose bytes are on disk; one of 16 bits is cast to float32. */
  #external(name: string, external: ExternalTensor): Value {
    const { dtype, shape } = external;
    this.#reserve(name, "weight");
    this.#initializers.push({ name, dtype, shape, source: { external } });
    const stored: Value = { graph: this, name, dtype, shape };
    return dtype === "float16" || dtype === "bfloat16" ? this.#castWeight(stored) : stored;
  }

  /**
   * Adds the changes of a weight to it. Nodes of low-rank sums that nobody reads are left out when the graph is built.
   */
  #changed(name: string, value: Value): Value {
    const changes = this.#weightSource?.changes?.(name) ?? [];
    let weight = value;
    const branches: LowRank<Value>[] = [];
    for (const [index, change] of changes.entries()) {
      const part = (what: string, tensor: ExternalTensor) =>
        this.#external(`${name}/change.${index}.${what}`, tensor);
      const { scale } = change;
      if ("difference" in change)
        weight = withDifference<Value>(this, weight, part("difference", change.difference), scale);
      else branches.push({ down: part("down", change.down), up: part("up", change.up), scale });
    }
    if (branches.length === 0) return weight;
    let sum = weight;
    for (const branch of branches) sum = withLowRank<Value>(this, sum, branch);
    this.#branched.set(sum.name, { weight, branches });
    return sum;
  }

  #castWeight(stored: Value): Value {
    const name = `${stored.name}/float32`;
    this.#reserve(name, "weight");
    const output: TypedName = { name, dtype: "float32", shape: stored.shape };
    const attributes = { to: { int: 1 } };
    this.#nodes.push({
      name,
      opType: "Cast",
      domain: "",
      inputs: [stored.name],
      outputs: [output],
      attributes,
    });
    this.#stored.set(name, stored);
    return { graph: this, ...output };
  }

  #locate(message: string): string {
    return `${this.#scopes.join("/") || "graph"}: ${message}`;
  }

  #checkOwner(value: Value): void {
    if (value.graph !== this) this.fail(`${value.name} belongs to another graph`);
  }

  #checkShape(shape: Shape, what: string): void {
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
      this.fail(`${what} has the impossible shape ${formatShape(shape)}`);
    }
  }

  #reserve(name: string, what: string): void {
    if (name === "") this.fail(`an ${what} needs a name`);
    if (this.#names.has(name))
      this.fail(`the name ${JSON.stringify(name)} is taken and cannot name this ${what}`);
    this.#names.add(name);
  }

  #uniqueName(opType: string): string {
    const path = [...this.#scopes, opType].join("/");
    let count = (this.#nameCounts.get(path) ?? 0) + 1;
    let name = count === 1 ? path : `${path}_${count}`;
    while (this.#names.has(name)) {
      count += 1;
      name = `${path}_${count}`;
    }
    this.#nameCounts.set(path, count);
    this.#names.add(name);
    return name;
  }
}

/** Drops optional inputs left out at the end: some kernels take an empty name for a tensor and crash. */
function withoutTrailingBlanks(names: readonly string[]): readonly string[] {
  return names.slice(0, names.findLastIndex((name) => name !== "") + 1);
}

function dataTypeOf(data: TensorData): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Int8Array) return "int8";
  return data instanceof Int32Array ? "int32" : "bool";
}
