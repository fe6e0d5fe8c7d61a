import * as z from "zod";

/** What tokenizers mark the ends of texts with. Our own reads them as plain text; nobody means them. */
const CONTROL_TOKENS = /<\/?s>|<pad>|<unk>|<extra_id_\d+>/i;

/**
 * A text that a model reads: well-formed Unicode in one normal form, without control characters.
 *
 * @param charactersMax UTF-16 units, after normalisation
 */
export const modelText = (charactersMax: number) =>
  z
    .string()
    .refine((text) => text.isWellFormed(), "must be well-formed Unicode, without lone surrogates")
    .refine((text) => !/[^\P{Cc}\t\n\r]/u.test(text), "must not contain control characters")
    .refine((text) => !CONTROL_TOKENS.test(text), "must not contain control tokens such as </s>")
    .transform((text) => text.normalize("NFC").trim())
    .pipe(z.string().max(charactersMax))
    // What is checked after a transformation is lost to the reference.
    .meta({ maxLength: charactersMax });
