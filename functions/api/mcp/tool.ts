import type { z } from "zod";
import type { Principal } from "../../../lib/service/keys/index.ts";

/** Caller of a tool. */
export interface Caller {
  readonly principal: Principal;
  readonly requestId: string;
  /** Is aborted when nobody waits for the answer. */
  readonly signal: AbortSignal;
}

/** Answer of a tool: the result for programs, and a sentence for the model that says what to do next. */
export interface Answer<Result> {
  readonly said: string;
  readonly result: Result;
}

/** Tool that a model may call. */
export interface Tool<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: Input;
  readonly output: Output;
  /** Hints by which hosts decide whether to ask their user. */
  readonly hints: {
    readonly readOnlyHint?: boolean;
    readonly destructiveHint?: boolean;
    readonly idempotentHint?: boolean;
  };
  /** @throws ApiError whose sentence the model is told */
  run(args: z.output<Input>, caller: Caller): Promise<Answer<z.input<Output>>>;
}

/** Returns a tool; its types follow from its schemas. */
export function tool<Input extends z.ZodObject, Output extends z.ZodObject>(
  declared: Tool<Input, Output>,
): Tool {
  return declared as unknown as Tool;
}
