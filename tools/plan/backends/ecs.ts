import { COLD_START_SECONDS } from "../../../infra/backends/ecs/cold-start.ts";
import { EC2_TYPES, PRICES_DATE } from "../../../infra/backends/ecs/instance-types.ts";
import { IN_COOLDOWN_SECONDS, scaleOutRule } from "../../../infra/backends/ecs/scaling-rules.ts";
import { figure } from "../figure.ts";
import type { PlannedBackend } from "./backend.ts";

/** Workers on ECS Managed Instances, as infra/backends/ecs deploys them. */
export const ecs: PlannedBackend = {
  instanceTypes: EC2_TYPES,
  pricesDate: PRICES_DATE,
  billing:
    "Instances are billed by the second from the decision to start until removal, with a fee of 7.8 % of the list price " +
    "on demand (one public bill).",
  deciding: "Metrics are taken once a minute. While instances start, what a longer backlog needs is added.",
  unseen:
    "The minutes that an instance is billed after its worker was stopped: 427 to 463 s in a public report.",
  typeLike: (name) => name.replace(/^ml\./, ""),
  coldStart: {
    least: COLD_START_SECONDS.least,
    most: COLD_START_SECONDS.most,
    figure: figure(
      COLD_START_SECONDS.usual,
      "assumed",
      "a public report has an instance after 42 s, and warm tasks after 165 to 197 s (small model) and 527 to 586 s (large)",
    ),
  },
  // A job ends at its deadline at the latest.
  runSecondsMax: null,
  rules: (chosen) => ({
    instancesMax: chosen.instancesMax,
    idleMinutes: chosen.idleMinutes,
    addsWhileStarting: true,
    removalSeconds: chosen.instancesMax > 1 ? IN_COOLDOWN_SECONDS : null,
    adding: [
      {
        ...scaleOutRule(chosen),
        counts: "jobs that wait",
        metric: ({ waiting }) => waiting,
      },
    ],
  }),
  atRest: ({ instancesMax }) => ({
    // With several workers there is the alarm In.
    alarmMetrics: instancesMax === 1 ? 18 : 21,
    queues: 3,
    queueRequests: 1,
  }),
  videoItems: [],
  // A service starts with a task, which is removed after the idle window.
  deploymentSeconds: (coldStartSeconds, idleMinutes) => coldStartSeconds + idleMinutes * 60,
};
