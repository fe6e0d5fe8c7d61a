import * as z from "zod";
import { codebookRowSchema, codebookSchema } from "./codebook.ts";
import { motionSchema } from "./motion.ts";
import { warmup } from "./option.ts";
import { formName, policyForms } from "./registry.ts";

const [first, ...others] = policyForms.map(({ form }) => form);

/** The forms of a request, where `auto` is the default; in the order that the API has listed them from the first. */
const FORMS = [first!, { word: "auto" }, ...others.toReversed()];

const cacheName = z.string().regex(namePattern(), `must be ${namesInWords()}`);

function namePattern(): RegExp {
  const patterns = FORMS.map(({ word, ...form }) =>
    "argument" in form && form.argument ? `${word}:${form.argument.pattern}` : word,
  );
  return new RegExp(`^(${patterns.join("|")})$`);
}

function namesInWords(): string {
  const names = FORMS.map((form) => formName(form as (typeof others)[number]));
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

const CODEBOOK_ROWS_MAX = 32;

/** How the denoising steps to compute are chosen. */
export const cacheSettingSchema = z
  .union([
    cacheName,
    z.strictObject({
      policy: cacheName.optional().describe("A named policy; excludes `codebook`."),
      codebook: z
        .array(codebookRowSchema.partial({ below: true }))
        .min(1)
        .max(CODEBOOK_ROWS_MAX)
        .optional()
        .describe(codebookSchema.description!),
      motion_regularisation: z
        .union([z.boolean(), motionSchema.partial()])
        .optional()
        .describe("Computes more where there is more motion; an object changes the authors' constants."),
      warmup_steps: warmup.unwrap().optional().describe(warmup.description!),
    }),
  ])
  .describe(
    "off computes every step, fast and slow are AdaCache's codebooks, auto is fast with motion regularisation.",
  );

export type CacheSetting = z.infer<typeof cacheSettingSchema>;
