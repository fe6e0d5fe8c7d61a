import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ProtobufWriter } from "../../../lib/generation/onnx/protobuf.ts";
import { AttributeProtoSchema, TensorProtoSchema, ValueInfoProtoSchema } from "./generated/onnx_pb.js";

test("every int64 survives the round trip", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const bytes = new ProtobufWriter().integer(3, value).finish();
      expect(fromBinary(AttributeProtoSchema, bytes).i).toBe(value);
    }),
  );
});

test("every float32 survives the round trip", () => {
  fc.assert(
    fc.property(fc.float(), (value) => {
      const bytes = new ProtobufWriter().float(2, value).finish();
      expect(fromBinary(AttributeProtoSchema, bytes).f).toBe(value);
    }),
  );
});

test("every string survives the round trip, in UTF-8", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (value) => {
      expect(fromBinary(ValueInfoProtoSchema, new ProtobufWriter().string(1, value).finish()).name).toBe(
        value,
      );
    }),
  );
});

test("bytes of any length survive the round trip, also between other fields of a nested message", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (value) => {
      const bytes = new ProtobufWriter()
        .message(5, (tensor) => tensor.integer(1, 300).bytes(9, value).string(8, "weight"))
        .finish();
      const tensor = fromBinary(AttributeProtoSchema, bytes).t!;
      expect(tensor.$typeName).toBe(TensorProtoSchema.typeName);
      expect([tensor.dims, tensor.rawData, tensor.name]).toEqual([[300n], value, "weight"]);
    }),
  );
});
