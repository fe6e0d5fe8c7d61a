import * as z from "zod";
import { codebookRowSchema, codebookSchema } from "./codebook.ts";
import { motionSchema } from "./motion.ts";
import { warmup } from "./option.ts";
import { formName, policyForms } from "./registry.ts";

/** Forms of policies, each with its name for people and the regular expression of its text. */
const [off, ...others] = policyForms.map(({ form }) => ({
  name: formName(form),
  pattern: form.argument ? `${form.word}:${form.argument.pattern}` : form.word,
}));

/** Forms in the order in which the API has always listed them; `auto` is the default. */
const FORMS = [off!, { name: "auto", pattern: "auto" }, ...others.toReversed()];

const names = FORMS.map(({ name }) => name);
const cacheName = z
  .string()
  .regex(
    new RegExp(`^(${FORMS.map(({ pattern }) => pattern).join("|")})$`),
    `must be ${names.slice(0, -1).join(", ")} or ${names.at(-1)}`,
  );

const CODEBOOK_ROWS_MAX = 32;

/** Setting `cache` of a request: the policy that chooses the denoising steps to compute. */
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
