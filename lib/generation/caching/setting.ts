import * as z from "zod";

/** No run has more denoising steps. */
const WARMUP_STEPS_MAX = 1000;

const cacheName = z
  .string()
  .regex(/^(off|auto|fast|slow|static:[1-9]\d{0,3})$/, "must be off, auto, fast, slow or static:K");

const motionConstants = z
  .strictObject({
    reference: z.number().positive(),
    power: z.number().positive(),
    divisor: z.number().positive(),
    gradientGain: z.number().nonnegative(),
    window: z.strictObject({ from: z.int(), to: z.int(), of: z.int() }),
  })
  .partial();

/** How the denoising steps to compute are chosen. */
export const cacheSettingSchema = z
  .union([
    cacheName,
    z.strictObject({
      policy: cacheName.optional().describe("A named policy; excludes `codebook`."),
      codebook: z
        .array(
          z.strictObject({ below: z.number().positive().nullable().optional(), rate: z.int().positive() }),
        )
        .min(1)
        .max(32)
        .optional()
        .describe(
          "Rows of ascending distance and the steps to the next computed one; the last without `below`.",
        ),
      motion_regularisation: z
        .union([z.boolean(), motionConstants])
        .optional()
        .describe("Computes more where there is more motion; an object changes the authors' constants."),
      warmup_steps: z
        .int()
        .min(0)
        .max(WARMUP_STEPS_MAX)
        .optional()
        .describe("Steps at the start that are all computed."),
    }),
  ])
  .describe(
    "off computes every step, fast and slow are AdaCache's codebooks, auto is fast with motion regularisation.",
  );

export type CacheSetting = z.infer<typeof cacheSettingSchema>;
