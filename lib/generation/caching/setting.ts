import * as z from "zod";
import { oneOf, wordings } from "../../shared/sentences/index.ts";
import { askedCodebookSchema } from "./codebook.ts";
import { codebookFileSchema } from "./codebook-file.ts";
import { motionSchema } from "./motion.ts";
import { warmup } from "./option.ts";
import { formName, policyForms } from "./registry.ts";

/** Forms of policies, each with its name for people and the regular expression of its text. */
const [off, ...others] = policyForms.map(({ form }) => ({
  name: form.argument
    ? `${formName(form)} (${form.argument.letter} is ${form.argument.rule})`
    : formName(form),
  pattern: form.argument ? `${form.word}:${form.argument.pattern}` : form.word,
}));

/** Forms in the order in which the API has always listed them; `auto` is the default. */
const FORMS = [off!, { name: "auto", pattern: "auto" }, ...others.toReversed()];

const cacheName = z
  .string()
  .regex(new RegExp(`^(${FORMS.map(({ pattern }) => pattern).join("|")})$`))
  .register(wordings, { is: oneOf(FORMS.map(({ name }) => name)) });

const CODEBOOK_ROWS_MAX = 32;

const motionSetting = z.union([z.boolean(), motionSchema.partial()]);

const members = {
  policy: cacheName.optional().describe("A named policy; excludes `codebook`."),
  codebook: askedCodebookSchema.max(CODEBOOK_ROWS_MAX).optional(),
  motion_regularisation: motionSetting
    .optional()
    .describe("Computes more where there is more motion; an object changes the authors' constants."),
  warmup_steps: warmup.unwrap().optional().describe(warmup.description!),
};

/** Setting `cache` of a request: the policy that chooses the denoising steps to compute. */
export const cacheSettingSchema = z
  .union([cacheName, z.strictObject(members)])
  .describe("off computes every step, fast and slow are AdaCache's codebooks, auto is fast.");

/** Schemas of the values of the command line's flags. There a policy may also be the contents of a codebook file. */
export const cacheFlagSchemas = {
  policy: z.union([cacheName, codebookFileSchema]).register(wordings, {
    is: oneOf([...FORMS.map(({ name }) => name), "FILE.json with a codebook"]),
  }),
  motion: z.boolean(),
  warmup: warmup.unwrap(),
};

/** Setting `cache` of a request that does not come through the API. */
export const outsideSettings = z.union([
  cacheName,
  z.strictObject({ ...members, policy: cacheFlagSchemas.policy.optional() }),
]);

export type OutsideSetting = z.infer<typeof outsideSettings>;
