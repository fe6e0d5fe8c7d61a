import * as z from "zod";
import { quoted } from "../../shared/sentences/index.ts";
import { parseStrictJson, toPlain } from "../checkpoint/index.ts";

/** Settings of an adapter in the header of a file, as PEFT writes them. */
export interface AdapterSettings {
  /** Rank that the settings state for a layer of the model's own name. */
  rankOf(layer: string): number;
  /** Returns the factor of a layer's change. */
  scaleOf(layer: string, rank: number): number;
}

/** Member of `__metadata__` that diffusers stores an adapter's settings in. */
const MEMBER = "lora_adapter_metadata";
/** Prefix of the settings of the transformer. */
const COMPONENT = "transformer.";
const LIMITS = { depthMax: 4, valuesMax: 100_000 };
const PATTERNS_MAX = 2_000;
/** A pattern may be a name with dots, `.`, `.*`, digits and anchors: more could take for ever to match. */
const PATTERN = /^\^?(?:[\w-]|\\?\.\*?|\\d\+?)*\$?$/;

const patterns = z.record(z.string().max(200), z.number()).nullish();
const settingsSchema = z.object({
  r: z.number().positive(),
  lora_alpha: z.number(),
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  rank_pattern: patterns,
  alpha_pattern: patterns,
});

/**
 * Reads the settings in the header of a file; null if it has none for a transformer. They are the only place of alpha
 * in files of diffusers.
 *
 * @param metadata `__metadata__` of the file
 * @throws RangeError that says what is wrong, as a part of a sentence
 */
export function adapterSettings(metadata: ReadonlyMap<string, string>): AdapterSettings | null {
  const text = metadata.get(MEMBER);
  if (text === undefined) return null;
  const members = Object.entries(jsonObject(text))
    .filter(([name]) => name.startsWith(COMPONENT))
    .map(([name, value]) => [name.slice(COMPONENT.length), value] as const);
  if (members.length === 0) return null;
  const parsed = settingsSchema.safeParse(Object.fromEntries(members));
  if (!parsed.success) {
    const [member] = parsed.error.issues[0]!.path;
    throw new RangeError(`${MEMBER} of its header has no usable ${COMPONENT}${String(member)}`);
  }
  const { r, lora_alpha, use_rslora, use_dora, rank_pattern, alpha_pattern } = parsed.data;
  if (use_dora) throw new RangeError("it is a DoRA, which is not supported: only plain LoRA files are");
  const ranks = matcher(rank_pattern ?? {});
  const alphas = matcher(alpha_pattern ?? {});
  return {
    rankOf: (layer) => ranks(layer) ?? r,
    scaleOf: (layer, rank) => (alphas(layer) ?? lora_alpha) / (use_rslora ? Math.sqrt(rank) : rank),
  };
}

function jsonObject(text: string): Record<string, unknown> {
  try {
    const value = parseStrictJson(text, LIMITS);
    if (value instanceof Map) return toPlain(value) as Record<string, unknown>;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new RangeError(`${MEMBER} of its header is not a JSON object`);
}

/**
 * Returns the value of the first pattern that matches a layer. As in PEFT, a pattern is a regular expression that has
 * to match the end of the name, after a dot.
 */
function matcher(byPattern: Readonly<Record<string, number>>): (layer: string) => number | undefined {
  const entries = Object.entries(byPattern);
  if (entries.length > PATTERNS_MAX) throw new RangeError(`${MEMBER} of its header has too many patterns`);
  const compiled = entries.map(([pattern, value]) => {
    if (!PATTERN.test(pattern) || pattern.split("*").length > 2)
      throw new RangeError(
        `the pattern ${quoted(pattern)} of its header is more than a name with dots, and is not read`,
      );
    return [new RegExp(`^(?:.*\\.)?(?:${pattern})$`), value] as const;
  });
  return (layer) => compiled.find(([pattern]) => pattern.test(layer))?.[1];
}
