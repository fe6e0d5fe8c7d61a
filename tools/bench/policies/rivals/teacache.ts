import { relativeChange } from "../arrays.ts";
import type { Rival, RivalContext, RivalRun } from "../rival.ts";
import { fitPolynomial } from "../rules/polynomial.ts";
import { teaCache } from "../rules/teacache.ts";
import { residualRun } from "./residual-run.ts";
import { settingsOf } from "./setting.ts";

const COMMON = { first: 1, last: 1 } as const;

export const rawTeaCache: Rival = {
  name: "TeaCache raw",
  source:
    "arXiv 2411.19108 and ali-vilab/TeaCache, on the change of the first block's modulated input as it is",
  role: "rival",
  settings: () =>
    settingsOf({ values: [0.07, 0.1, 0.2], defaults: [0.1, 0.2] }, (threshold, { steps }) =>
      watch({ steps, threshold, polynomial: null }),
    ),
};

export const fittedTeaCache: Rival = {
  name: "TeaCache fitted",
  source:
    "the same with a polynomial of degree 4 from the change of the modulated input to that of the prediction, fitted " +
    "to the calibration prompts as the authors fit theirs",
  role: "rival",
  needs: ["changes"],
  settings: () =>
    settingsOf(
      { values: [0.07, 0.1, 0.2, 0.25], defaults: [0.1, 0.2] },
      (threshold, { steps, calibration }) => watch({ steps, threshold, polynomial: fitted(calibration) }),
    ),
};

function fitted({ changes }: RivalContext["calibration"]): number[] {
  return fitPolynomial(
    changes.map(({ input }) => input),
    changes.map(({ output }) => output),
  );
}

function watch(options: { steps: number; threshold: number; polynomial: number[] | null }): RivalRun {
  let before: Float32Array | null = null;
  return residualRun({
    rule: teaCache({ ...COMMON, ...options }),
    keep: 1,
    async before({ graphs }) {
      const input = await graphs.modulatedInput();
      const distance = before && relativeChange(before, input);
      before = input;
      return { distance };
    },
    after: () => undefined,
  });
}
