import * as z from "zod";
import { oneOf, wordings } from "../../shared/sentences/index.ts";
import { promiseSettings } from "./budget/goal.ts";
import { askedCodebookSchema } from "./codebook.ts";
import { codebookFileSchema } from "./codebook-file.ts";
import { motionSchema } from "./motion.ts";
import { forecast, warmup } from "./option.ts";
import { argumentFault, formExample, formsInOrder, policyForms } from "./registry.ts";

/** Forms of policies, each with an example and the regular expression of its text. */
const FORMS = formsInOrder.map((form) => ({
  name: formExample(form),
  pattern: form.argument ? `${form.word}:${form.argument.pattern}` : form.word,
}));

/** Schema of the text of a policy. The argument of a form is checked first, for the sake of its own sentence. */
const cacheName = z
  .string()
  .superRefine((text, context) => {
    const form = policyForms.find(({ form }) => form.argument && text.startsWith(`${form.word}:`))?.form;
    const fault = form && argumentFault(form, text.slice(form.word.length + 1));
    if (fault) context.addIssue({ code: "custom", message: fault, input: text });
  })
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
  forecast: forecast.unwrap().optional().describe(forecast.description!),
  at_least: promiseSettings.at_least
    .optional()
    .describe("PSNR in dB against the video without cache of the same seed; a promise, which decides alone."),
  at_most: promiseSettings.at_most
    .optional()
    .describe(
      "Seconds that encoding, denoising and decoding may take, without loading and waiting; a promise, which decides alone.",
    ),
  computed_steps: promiseSettings.computed_steps
    .optional()
    .describe("Number of steps that are computed; a promise, which decides alone."),
};

/** Setting `cache` of a request: the policy that chooses the denoising steps to compute. */
export const cacheSettingSchema = z
  .union([cacheName, z.strictObject(members)])
  .describe(
    "auto is the service's own choice, off computes every step, fast and slow are AdaCache's codebooks; " +
      "at_least, at_most and computed_steps are promises.",
  );

/** Schemas of the values of the command line's flags. There a policy may also be the contents of a codebook file. */
export const cacheFlagSchemas = {
  policy: z.union([cacheName, codebookFileSchema]).register(wordings, {
    is: oneOf([...FORMS.map(({ name }) => name), "FILE.json with a codebook"]),
  }),
  motion: z.boolean(),
  warmup: warmup.unwrap(),
  forecast: forecast.unwrap(),
};

/** Setting `cache` of a request that does not come through the API. */
export const outsideSettings = z.union([
  cacheName,
  z.strictObject({ ...members, policy: cacheFlagSchemas.policy.optional() }),
]);

export type OutsideSetting = z.infer<typeof outsideSettings>;
