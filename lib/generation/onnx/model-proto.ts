import { ProtobufWriter } from "./protobuf.ts";
import { type DType, dataTypes, type ExternalTensor } from "./types.ts";

/** Attribute with its ONNX type, because a JavaScript number does not say whether it is an integer. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] };

export type Attributes = Readonly<Record<string, Attribute>>;

export interface TypedName {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export interface Node {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly TypedName[];
  readonly attributes: Attributes;
}

/** Tensor stored with the graph: small ones carry their bytes, weights a location in a file. */
export interface Initializer extends TypedName {
  readonly source: { readonly raw: Uint8Array } | { readonly external: ExternalTensor };
}

export interface Model {
  readonly nodes: readonly Node[];
  readonly inputs: readonly TypedName[];
  readonly outputs: readonly TypedName[];
  readonly initializers: readonly Initializer[];
}

/** Opset 23 introduced Attention, RMSNormalization and RotaryEmbedding. It was released with IR version 11. */
export const opsetVersion = 23;
export const irVersion = 11;

const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const;
const externalDataLocation = 1;

/** Serialises an ONNX `ModelProto`. Field numbers are those of onnx.proto. */
export function encodeModel(model: Model): Uint8Array {
  const domains = new Set(["", ...model.nodes.map((node) => node.domain)]);
  const writer = new ProtobufWriter()
    .integer(1, irVersion)
    .string(2, "adareel")
    .message(7, (graph) => {
      for (const node of model.nodes) graph.message(1, (message) => encodeNode(message, node));
      graph.string(2, "adareel");
      for (const tensor of model.initializers) graph.message(5, (message) => encodeTensor(message, tensor));
      for (const input of model.inputs) graph.message(11, (message) => encodeValueInfo(message, input));
      for (const output of model.outputs) graph.message(12, (message) => encodeValueInfo(message, output));
      const named = new Set(model.outputs.map((output) => output.name));
      for (const value of model.nodes.flatMap((node) => node.outputs)) {
        if (!named.has(value.name)) graph.message(13, (message) => encodeValueInfo(message, value));
      }
    });
  for (const domain of domains) {
    writer.message(8, (opset) => opset.string(1, domain).integer(2, domain === "" ? opsetVersion : 1));
  }
  return writer.finish();
}

function encodeNode(message: ProtobufWriter, node: Node): void {
  for (const input of node.inputs) message.string(1, input);
  for (const output of node.outputs) message.string(2, output.name);
  message.string(3, node.name).string(4, node.opType);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    message.message(5, (field) => encodeAttribute(field, name, attribute));
  }
  if (node.domain !== "") message.string(7, node.domain);
}

function encodeAttribute(message: ProtobufWriter, name: string, attribute: Attribute): void {
  message.string(1, name);
  if ("float" in attribute) message.float(2, attribute.float).integer(20, attributeTypes.float);
  else if ("int" in attribute) message.integer(3, attribute.int).integer(20, attributeTypes.int);
  else if ("string" in attribute) message.string(4, attribute.string).integer(20, attributeTypes.string);
  else {
    for (const value of attribute.ints) message.integer(8, value);
    message.integer(20, attributeTypes.ints);
  }
}

function encodeTensor(message: ProtobufWriter, tensor: Initializer): void {
  for (const size of tensor.shape) message.integer(1, size);
  message.integer(2, dataTypes[tensor.dtype].code).string(8, tensor.name);
  if ("raw" in tensor.source) {
    message.bytes(9, tensor.source.raw);
    return;
  }
  const { location, offset, byteLength } = tensor.source.external;
  for (const [key, value] of Object.entries({ location, offset, length: byteLength })) {
    message.message(13, (entry) => entry.string(1, key).string(2, String(value)));
  }
  message.integer(14, externalDataLocation);
}

function encodeValueInfo(message: ProtobufWriter, value: TypedName): void {
  message.string(1, value.name).message(2, (type) =>
    type.message(1, (tensorType) =>
      tensorType.integer(1, dataTypes[value.dtype].code).message(2, (shape) => {
        for (const size of value.shape) shape.message(1, (dimension) => dimension.integer(1, size));
      }),
    ),
  );
}
