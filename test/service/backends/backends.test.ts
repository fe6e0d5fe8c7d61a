import type { InvokeEndpointAsyncCommand } from "@aws-sdk/client-sagemaker-runtime";
import { GetQueueAttributesCommand, type SendMessageCommand } from "@aws-sdk/client-sqs";
import { processBackend } from "../../../functions/local/process-backend.ts";
import { jobLocation, runsQueueBackend, sageMakerBackend } from "../../../lib/service/backends/index.ts";
import { type JobRef, jobOfKey } from "../../../lib/service/jobs/index.ts";
import { hintedJobs } from "../../../lib/service/queue/index.ts";
import { notification } from "../../cloud/notification.ts";
import { Endpoint, outcomeMessage } from "../../sim/endpoint.ts";
import { Network, Process } from "../../sim/network.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { NO_FAULTS } from "../../sim/swarm.ts";
import { VirtualTime } from "../../sim/virtual-time.ts";
import { NOW } from "../jobs/sample-job.ts";
import { describeBackend, type Subject } from "./backend-contract.ts";

describeBackend("SageMaker Async", (): Subject => {
  const storeUrl = "s3://videos";
  const taken: JobRef[] = [];
  let isRefusing = false;
  const client = {
    async send({ input }: InvokeEndpointAsyncCommand) {
      if (isRefusing) throw new Error("ThrottlingException");
      taken.push(jobOfKey(input.InputLocation!.slice(`${storeUrl}/`.length))!);
    },
  };
  return {
    backend: sageMakerBackend({
      client: client as never,
      endpointName: "adareel-1",
      storeUrl,
      clock: { now: () => NOW },
    }),
    taken: async () => taken,
    endMessage: async (record, isFailed) =>
      notification({
        inputLocation: jobLocation(storeUrl, record),
        ...(isFailed && { failureReason: "The container answered with 500." }),
      }),
    refuse: () => {
      isRefusing = true;
    },
  };
});

describeBackend("a queue of runs", (): Subject => {
  const bodies: string[] = [];
  let isRefusing = false;
  const client = {
    async send(command: SendMessageCommand | GetQueueAttributesCommand) {
      if (isRefusing) throw new Error("ServiceUnavailable");
      if (!(command instanceof GetQueueAttributesCommand)) return bodies.push(command.input.MessageBody!);
      return { Attributes: { ApproximateNumberOfMessages: String(bodies.length) } };
    },
  };
  const url = "https://sqs.eu-central-1.amazonaws.com/123456789012/adareel-gpu-Runs";
  return {
    backend: runsQueueBackend({ client: client as never, url }),
    taken: async () => bodies.flatMap(hintedJobs).map(({ tenant, id }) => ({ tenant, id })),
    endMessage: null,
    refuse: () => {
      isRefusing = true;
    },
  };
});

describeBackend("the local process", (): Subject => {
  const invoked: JobRef[] = [];
  const opened = processBackend({
    gpus: [
      {
        isListening: true,
        fault: null,
        invoke(ref) {
          invoked.push(ref);
          return new Promise(() => undefined);
        },
      },
    ],
    onEnd: async () => undefined,
  });
  return {
    backend: opened,
    taken: async () => invoked,
    endMessage: (record, isFailed) =>
      new Promise((resolve) => {
        const gpu = { isListening: true, fault: null, invoke: async () => (isFailed ? 503 : 200) };
        void processBackend({ gpus: [gpu], onEnd: async (message) => resolve(message) }).submit(record);
      }),
    refuse: null,
  };
});

describeBackend("the endpoint of the simulation", (): Subject => {
  const random = new SeededRandom(1);
  const time = new VirtualTime(NOW, random);
  const network = new Network({ time, random, faults: { ...NO_FAULTS }, latencyMs: 5 });
  const process = new Process("dispatcher", { now: () => time.now }, () => undefined);
  const endpoint = new Endpoint(network);
  const backend = endpoint.backendFor(process);
  /** Advances the network's time until there is an answer. */
  const passed = async <T>(answer: Promise<T>): Promise<T> => {
    const settled = answer.then(
      () => undefined,
      () => undefined,
    );
    await Promise.all([settled, time.run(() => false)]);
    return answer;
  };
  return {
    backend: { ...backend, submit: (record) => passed(backend.submit(record)) },
    async taken() {
      const received: JobRef[] = [];
      void (async () => {
        for (;;) received.push(await endpoint.invocations.receive(process));
      })();
      await time.run(() => false);
      return received;
    },
    endMessage: async (ref, isFailed) =>
      outcomeMessage({ ref, failure: isFailed ? "The worker was lost." : null }),
    refuse: () => endpoint.replace(),
  };
});
