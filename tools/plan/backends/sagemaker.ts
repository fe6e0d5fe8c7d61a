import { INSTANCE_TYPES, PRICES_DATE } from "../../../infra/backends/sagemaker/instance-types.ts";
import { figure } from "../figure.ts";
import type { PlannedBackend } from "./backend.ts";

/** Asynchronous endpoints of SageMaker, as infra/backends/sagemaker deploys them. */
export const sageMaker: PlannedBackend = {
  instanceTypes: INSTANCE_TYPES,
  pricesDate: PRICES_DATE,
  billing:
    "Billed by the second from the decision to start an instance until its removal, cold start included (assumed).",
  deciding:
    "Metrics once a minute. One change at a time: while an " +
    "instance starts nothing is decided (assumed; AWS says that scaling is blocked while an endpoint updates).",
  unseen:
    "How long SageMaker takes from zero, and how its alarms and its scaling behave while an instance starts.",
  // The sweep tells of jobs every other minute: with less, an instance would go under a job.
  idleMinutes: { least: 3, most: 60 },
  coldStart: {
    least: 300,
    most: 660,
    figure: figure(
      480,
      "published",
      "public reports of asynchronous endpoints at zero: 643 s with 13 GB on an ml.g5.2xlarge, 5 to 8 minutes elsewhere",
    ),
  },
  /** The policies of infra/backends/sagemaker/scaling.ts. */
  rules: (chosen) => ({
    ...chosen,
    wake: { minutes: 1, cooldownSeconds: Math.min(300, chosen.idleMinutes * 60) },
    grow: { backlog: 2, minutes: 3, cooldownSeconds: 900 },
  }),
  videoItems: [
    { what: "Notification", quantity: 1, price: "snsPublish", because: "that the invocation ended" },
  ],
  // An endpoint begins with an instance, which goes after the idle window.
  deploymentSeconds: (coldStartSeconds, idleMinutes) => coldStartSeconds + idleMinutes * 60,
};
