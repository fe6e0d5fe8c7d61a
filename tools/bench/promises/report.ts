import { describeCircumstances } from "../machine.ts";
import { table } from "../markdown.ts";
import { keepingOf, type PromiseResults } from "./results.ts";

/** Writes the section on promises as Markdown, from the measurements only. */

const AIM = { keptShare: 0.95, more: 0.15 } as const;

export function promiseReport(results: PromiseResults): string {
  const { circumstances, computedSteps, decibels, minutes, prompts, steps } = results;
  const counted = prompts.flatMap((prompt) =>
    prompt.counted.map((computed, i) => ({ computed, asked: computedSteps[i]! })),
  );
  const timed = prompts.flatMap((prompt) => prompt.timed);
  const inTime = timed.filter(({ asked, taken }) => taken <= asked).length;
  const asAsked = counted.filter(({ computed, asked }) => computed === Math.min(asked, steps)).length;
  return [
    "## Promises",
    `Each of ${prompts.length} prompts that neither the training nor the table of the demo model has seen was made with promises,
at ${steps} steps. “Cheapest” is the mean of computed steps if the cheapest of ${prompts[0]!.settings.length} settings
that reaches the promise could be chosen for every prompt afterwards; “more” is what the promise computes beyond that.`,
    table(
      [
        "Promise",
        "Kept",
        "Computed",
        "Cheapest",
        "More",
        `Kept for ${percent(AIM.keptShare)}`,
        `At most ${percent(AIM.more)} more`,
      ],
      decibels.map((_, index) => {
        const keeping = keepingOf(results, index);
        const share = keeping.kept / keeping.videos;
        return [
          `at least ${keeping.decibels} dB`,
          `${keeping.kept}/${keeping.videos}`,
          keeping.computed.toFixed(1),
          keeping.cheapest.toFixed(1),
          percent(keeping.more),
          share >= AIM.keptShare ? "yes" : "no",
          keeping.more <= AIM.more ? "yes" : "no",
        ];
      }),
      [0, 5, 6],
    ),
    [
      `- ${asAsked} of ${counted.length} videos computed exactly the number of steps asked for (${computedSteps.join(", ")}).`,
      `- ${inTime} of ${timed.length} videos took at most the seconds asked for; others were refused. Asked were a half and three quarters of the time of a video without cache.`,
      ...describeCircumstances(circumstances).map((line) => `- ${line}`),
      `- The benchmark took ${minutes.toFixed(1)} minutes.`,
    ].join("\n"),
  ].join("\n\n");
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
