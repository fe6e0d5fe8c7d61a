import * as z from "zod";

/**
 * Special tokens of text encoders. Our tokenizers read them as plain text, so they can only be in a prompt by mistake.
 */
const CONTROL_TOKENS = /<\/?s>|<pad>|<unk>|<extra_id_\d+>/i;

/** Schema of a text that a model reads: well-formed Unicode in one normal form, without control characters. */
export const modelText = z
  .string()
  .refine((text) => text.isWellFormed(), "must be well-formed Unicode, without lone surrogates")
  .refine((text) => !/[^\P{Cc}\t\n\r]/u.test(text), "must not contain control characters")
  .refine((text) => !CONTROL_TOKENS.test(text), "must not contain control tokens such as </s>")
  .transform((text) => text.normalize("NFC").trim());

/** Limits a text to `charactersMax` UTF-16 units, counted after normalisation. */
export function atMost(text: z.ZodType<string, string>, charactersMax: number) {
  return (
    text
      .pipe(z.string().max(charactersMax))
      // JSON Schema shows the input of a transformation, where this bound would be lost.
      .meta({ maxLength: charactersMax })
  );
}
