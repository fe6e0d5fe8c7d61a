import type * as z from "zod";
import type { VideoLimits } from "./limits.ts";

/** Kinds of requests that may have a parameter: for a new video, the fixed part of a trigger, or a remix. */
export type Taker = "create" | "trigger" | "remix";

/** Declaration of a field of requests to the API. Its name is its key in the table. */
export interface Declaration<Asked extends z.ZodType = z.ZodType> {
  /** Schema of the value that a user gives: its shape and bounds. */
  readonly asked: Asked;
  /** Sentences for the API's reference; absent where `asked` describes itself. */
  readonly text?: string;
  readonly takenBy: readonly Taker[];
  /** True if every request must have it. */
  readonly isRequired?: boolean;
  /** Flags of the command line. */
  readonly flags?: readonly Flag[];
  /** Schema of the value outside the API, where the value of a parameter may be more. */
  readonly askedOutside?: z.ZodType;
}

/** Model that a request is made for. */
export interface Target {
  /** Name of the model. */
  readonly model: string;
  readonly limits: VideoLimits;
}

/** Type of the value of a flag. */
export type FlagValue =
  | { readonly kind: "number" | "text" | "path" | "on or off" }
  /** Flag without a value: true if it is given. */
  | { readonly kind: "switch" }
  /**
   * Text, or the path of a JSON file, ending in .json, whose contents are read; `contents` says what such a file holds.
   */
  | { readonly kind: "text or JSON file"; readonly contents: string }
  /** Text with a form of its own; `path` makes a path absolute. */
  | { readonly kind: "parsed"; parse(text: string, path: (text: string) => string): unknown };

/** Flag of the command line, without its dashes. */
export interface Flag {
  readonly name: string;
  /** Other names that mean the same. */
  readonly aliases?: readonly string[];
  /** Member of the parameter's value that the flag sets; absent for a flag that sets the whole value. */
  readonly member?: string;
  /** Schema of the value, where that is not `asked`. */
  readonly takes?: z.ZodType;
  readonly reads: FlagValue;
  /** True if the flag may be given several times; the value of its parameter is then a list. */
  readonly isRepeatable?: boolean;
  /** Placeholder of the value in the usage. */
  readonly value?: string;
  readonly text: string;
}

/** Control of the playground's form. */
export interface Control {
  readonly label: string;
  readonly hint?: string;
  readonly kind:
    | { readonly name: "text"; readonly lines: number; readonly charactersMax?: number }
    | { readonly name: "number"; readonly least?: number; readonly most?: number; readonly isWhole: boolean }
    /** Number with a button that draws a random one. */
    | { readonly name: "drawn number" }
    | { readonly name: "switch" }
    /**
     * Choice among the values of the chosen model: `of` names a member of a model in the API. `unit` follows each
     * value. If `per` names a parameter, each value is shown in seconds, divided by that parameter.
     */
    | { readonly name: "choice"; readonly of: string; readonly unit?: string; readonly per?: string }
    | { readonly name: "cache" };
}

/** Field of `params` in the answers of the API. */
export interface Told<Stored extends z.ZodRawShape, Schema extends z.ZodType> {
  readonly schema: Schema;
  value(stored: z.output<z.ZodObject<Stored>>): z.output<Schema>;
}

/**
 * Declaration of a parameter of a request for a video. The API's schemas, its reference and its answers, the stored
 * record, the command line and the playground's form are derived from it.
 */
export interface Parameter<
  Asked extends z.ZodType = z.ZodType,
  Stored extends z.ZodRawShape = z.ZodRawShape,
  Schema extends z.ZodType = z.ZodType,
> extends Declaration<Asked> {
  /** Fields of the resolved request, which is stored. A field that is added later needs a default in its schema. */
  readonly stored: Stored;
  /** Makes the stored fields from the value that a user gave. */
  read(asked: z.output<Asked>): z.output<z.ZodObject<Stored>>;
  /** Makes the stored fields if the user gave no value; absent if a value is required or the fields are optional. */
  byDefault?(target: Target): z.output<z.ZodObject<Stored>>;
  /**
   * Checks the resolved request against the model.
   *
   * @throws RequestError
   */
  check?(resolved: object, limits: VideoLimits): void;
  /** Field of `params` in answers; null if answers do not have the parameter. */
  readonly told: Told<Stored, Schema> | null;
  /** Fields that hold words of the user, with the values that replace them once the video is deleted. */
  readonly erased?: z.output<z.ZodObject<Stored>>;
  readonly control?: Control;
}

/** Another name for a parameter, perhaps in another unit. */
export interface Alias<Asked extends z.ZodType = z.ZodType> extends Declaration<Asked> {
  /** Name of the parameter. */
  readonly means: string;
  /** Converts the value to that of the parameter; absent if both are the same. */
  value?(given: z.output<Asked>, asked: Readonly<Record<string, unknown>>, target: Target): unknown;
  /**
   * Checks a value that was given under this name, before the parameter's own check, which knows another unit.
   *
   * @throws RequestError
   */
  check?(given: z.output<Asked>, resolved: object, limits: VideoLimits): void;
}

export type Table = Readonly<Record<string, Parameter | Alias>>;

/** Declares a parameter. */
export function parameter<
  Asked extends z.ZodType,
  Stored extends z.ZodRawShape,
  Schema extends z.ZodType = z.ZodNever,
>(declared: Parameter<Asked, Stored, Schema>): Parameter<Asked, Stored, Schema> {
  return declared;
}

/**
 * Declares a parameter with a single field that is stored and returned unchanged. `key` is the name of the field in the
 * resolved request.
 */
export function setting<Key extends string, Asked extends z.ZodType, Value extends z.ZodType>(
  key: Key,
  {
    stored,
    byDefault,
    ...rest
  }: Omit<Parameter<Asked>, "stored" | "read" | "byDefault" | "told" | "erased"> & {
    readonly stored: Value;
    readonly byDefault?: (target: Target) => z.output<Value>;
    readonly erased?: z.output<Value>;
  },
): Parameter<Asked, Record<Key, Value>, Value> {
  type Fields = z.output<z.ZodObject<Record<Key, Value>>>;
  const fields = (value: unknown) => ({ [key]: value }) as Fields;
  const { erased, ...declared } = rest;
  return {
    ...declared,
    stored: { [key]: stored } as Record<Key, Value>,
    read: fields,
    ...(byDefault && { byDefault: (target: Target) => fields(byDefault(target)) }),
    told: { schema: stored, value: (own) => (own as Record<string, z.output<Value>>)[key]! },
    ...("erased" in rest && { erased: fields(erased) }),
  };
}

/** Declares another name for a parameter. */
export function alias<Asked extends z.ZodType>(declared: Alias<Asked>): Alias<Asked> {
  return declared;
}
