import { COLD_START_SECONDS } from "../../../infra/backends/sagemaker/cold-start.ts";
import { INSTANCE_TYPES, PRICES_DATE } from "../../../infra/backends/sagemaker/instance-types.ts";
import { RUN_MS_MAX } from "../../../infra/backends/sagemaker/run-limit.ts";
import { scaleOutRules } from "../../../infra/backends/sagemaker/scaling-rules.ts";
import { figure } from "../figure.ts";
import type { MinuteSample } from "../scaling.ts";
import type { PlannedBackend } from "./backend.ts";

/** SageMaker asynchronous endpoints, as infra/backends/sagemaker deploys them. */
export const sageMaker: PlannedBackend = {
  instanceTypes: INSTANCE_TYPES,
  pricesDate: PRICES_DATE,
  billing:
    "Instances are billed by the second from the decision to start until removal, including the cold start (assumed).",
  deciding:
    "Metrics are taken once a minute. While an instance starts, scaling does nothing (assumed: AWS says that scaling " +
    "is blocked while an endpoint updates).",
  unseen:
    "Measured cold starts of SageMaker, and how its alarms and scaling behave while an instance starts.",
  typeLike: (name) => name,
  coldStart: {
    least: COLD_START_SECONDS.least,
    most: COLD_START_SECONDS.most,
    figure: figure(
      COLD_START_SECONDS.usual,
      "published",
      "public reports of asynchronous endpoints at zero: 643 s with 13 GB on an ml.g5.2xlarge, 5 to 8 minutes in others",
    ),
  },
  runSecondsMax: RUN_MS_MAX / 1000,
  rules: (chosen) => {
    const { wake, grow } = scaleOutRules(chosen);
    return {
      instancesMax: chosen.instancesMax,
      idleMinutes: chosen.idleMinutes,
      addsWhileStarting: false,
      removalSeconds: null,
      adding: [
        {
          ...wake,
          counts: "jobs that wait without an instance",
          metric: ({ waiting, inService }) => (inService === 0 ? waiting : 0),
        },
        ...(grow ? [{ ...grow, counts: "jobs for each instance", metric: jobsEach }] : []),
      ],
    };
  },
  atRest: ({ instancesMax, scaling }) => ({
    // With several instances there is the alarm Grow, and Wake counts the backlog, if that is what they scale by.
    alarmMetrics: instancesMax === 1 ? 19 : scaling === "steady" ? 20 : 21,
    queues: 4,
    queueRequests: 0,
  }),
  videoItems: [
    { what: "Notification", quantity: 1, price: "snsPublish", because: "one for the ended invocation" },
  ],
  // An endpoint starts with an instance, which is removed after the idle window.
  deploymentSeconds: (coldStartSeconds, idleMinutes) => coldStartSeconds + idleMinutes * 60,
};

function jobsEach({ waiting, running, inService }: MinuteSample): number {
  return inService === 0 ? 0 : (waiting + running) / inService;
}
