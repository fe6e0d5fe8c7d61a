import type { Template } from "aws-cdk-lib/assertions";

/** Fault of a template that CloudFormation would deploy, as an edit of the JSON text of one resource. */
export interface Mutant {
  /** Sentence that says what goes wrong in production. */
  readonly name: string;
  /** Name of the resource: its logical id without the hash. */
  readonly resource: string;
  readonly from: string | RegExp;
  readonly to: string;
  /** Test file of this folder without its ending, and the title of its test that finds the fault. */
  readonly claim: readonly [file: string, title: string];
}

const BOTH: readonly Mutant[] = [
  {
    name: "the work queue calls no function",
    resource: "DispatchFunctionSqsEventSourceadareeldataWorkQueue2FBE552A",
    from: '"BatchSize":10',
    to: '"BatchSize":10,"Enabled":false',
    claim: ["wiring", "a queue hands its messages to a function all the time, and all of them"],
  },
  {
    name: "new jobs are announced to the queue of webhooks",
    resource: "VideosBucket",
    from: 'WorkQueue1CAC4D2F","Arn',
    to: 'WebhooksQueueCBC86013","Arn',
    claim: ["data-stack", "the bucket notifies the queues of new markers, itself and after their policies"],
  },
  {
    name: "the records of jobs never expire",
    resource: "VideosBucket",
    from: '"Prefix":"jobs/","Status":"Enabled"',
    to: '"Prefix":"jobs/","Status":"Disabled"',
    claim: ["data-stack", "the bucket's rules are all in force"],
  },
  {
    name: "unconditional writes of records are no longer refused",
    resource: "VideosBucketPolicy",
    from: /,\{"Fn::Join":\["",\[\{"Fn::GetAtt":\["\w+","Arn"\]\},"\/jobs\/\*"\]\]\}/,
    to: "",
    claim: ["data-stack", "the bucket refuses unconditional writes wherever one may be lost by them"],
  },
  {
    name: "a send of webhooks is seen again while its function still runs",
    resource: "SendsQueue",
    from: '"VisibilityTimeout":360',
    to: '"VisibilityTimeout":60',
    claim: ["gpu-stack", "a message is hidden for six times as long as its function may run"],
  },
  {
    name: "the sweep is never called",
    resource: "SweepSchedule",
    from: '"ScheduleExpression"',
    to: '"State":"DISABLED","ScheduleExpression"',
    claim: ["gpu-stack", "the sweep runs every two minutes, and a missed run is not repeated"],
  },
  {
    name: "the alarm of a silent sweep tells nobody",
    resource: "AlarmsSweepSilent",
    from: '"AlarmActions"',
    to: '"ActionsEnabled":false,"AlarmActions"',
    claim: ["wiring", "an alarm acts, and one that tells people has the topic for it"],
  },
  {
    name: "the alarm of a silent sweep watches another function",
    resource: "AlarmsSweepSilent",
    from: /SweepFunction\w+/,
    to: "WebhookFunction6FF7199F",
    claim: ["wiring", "the alarm of a silent sweep watches the sweep"],
  },
  {
    name: "one lost message of work raises no alarm",
    resource: "AlarmsWorkDeadLetters",
    from: "GreaterThanOrEqualToThreshold",
    to: "GreaterThanThreshold",
    claim: ["wiring", "an alarm rings at its threshold, and not only beyond it"],
  },
  {
    name: "a permission denies what it should allow",
    resource: "DispatchRoleDefaultPolicy",
    from: '"Action":"s3:DeleteObject","Effect":"Allow"',
    to: '"Action":"s3:DeleteObject","Effect":"Deny"',
    claim: ["gpu-stack", "the dispatch function has exactly the permissions that it uses"],
  },
  {
    name: "the public API may write everywhere in the bucket",
    resource: "ApiRoleDefaultPolicy",
    from: "/tenant-triggers/*",
    to: "/*",
    claim: ["edge-stack", "the edge function may do what the API does"],
  },
  {
    name: "CloudFront signs the requests that the function has signed",
    resource: "OriginAccess",
    from: '"SigningBehavior":"never"',
    to: '"SigningBehavior":"always"',
    claim: [
      "edge-stack",
      "the distribution has the bucket as a resolvable origin, and never signs requests to it",
    ],
  },
];

const SAGEMAKER: readonly Mutant[] = [
  {
    name: "the ends of runs that fail five times are lost",
    resource: "EventsQueue",
    from: /"RedrivePolicy":\{.*?\}.*?\},/,
    to: "",
    claim: ["wiring", "a queue sets messages aside after five tries, into dead letters of its own"],
  },
  {
    name: "settle cannot queue a lost job again",
    resource: "SettleRoleDefaultPolicy",
    from: /,\{"Fn::ImportValue":"adareel-data:ExportsOutputFnGetAttWorkQueue\w+"\}/,
    to: "",
    claim: ["gpu-stack", "the settle function has exactly the permissions that it uses"],
  },
  {
    name: "the oldest request is the youngest one",
    resource: "AlarmsOldestRequest",
    from: '"Statistic":"Maximum"',
    to: '"Statistic":"Minimum"',
    claim: ["wiring", "an alarm takes the worst value of a level, and the sum of what happens"],
  },
  {
    name: "two videos share one GPU",
    resource: "EndpointConfig",
    from: '"MaxConcurrentInvocationsPerInstance":1',
    to: '"MaxConcurrentInvocationsPerInstance":2',
    claim: ["gpu-endpoint", "an invocation has an instance for itself, and its end is notified"],
  },
  {
    name: "failed invocations are announced as successes",
    resource: "EndpointConfig",
    from: /"ErrorTopic":\{"Ref":"EndpointFailures\w+"\}/,
    to: '"ErrorTopic":{"Ref":"EndpointSuccesses7051908B"}',
    claim: ["gpu-endpoint", "an invocation has an instance for itself, and its end is notified"],
  },
  {
    name: "the alarm of waking puts the endpoint to sleep",
    resource: "ScalingWake",
    from: /ScalingWakePolicy\w+/,
    to: "ScalingSleepPolicy84664615",
    claim: ["wiring", "an alarm acts, and one that tells people has the topic for it"],
  },
  {
    name: "the endpoint sleeps by the jobs of another deployment",
    resource: "ScalingSleep",
    from: '"Name":"Deployment","Value":"adareel"',
    to: '"Name":"Deployment","Value":"adareel-gpu"',
    claim: [
      "gpu-scaling",
      "scaling to zero needs all idle minutes without a request in SageMaker's queue and without a job of ours",
    ],
  },
];

const ECS: readonly Mutant[] = [
  {
    name: "dispatch submits jobs to the queue it reads",
    resource: "DispatchFunction",
    from: /"RUNS_QUEUE_URL":\{"Ref":"\w+"\}/,
    to: '"RUNS_QUEUE_URL":{"Fn::ImportValue":"adareel-data:ExportsOutputRefWorkQueue1CAC4D2FE3F31547"}',
    claim: ["ecs-workers", "the function %s knows the queue of runs"],
  },
  {
    name: "a worker cannot announce that a webhook is due",
    resource: "WorkersTaskRoleDefaultPolicy",
    from: /,"arn:aws:s3:::[\w-]+\/undelivered\/\*"/,
    to: "",
    claim: [
      "ecs-workers",
      "a worker may do with the bucket what one of SageMaker's may, which also writes SageMaker's own files",
    ],
  },
  {
    name: "a worker cannot protect its task",
    resource: "WorkersTaskRoleDefaultPolicy",
    from: "task/adareel-workers/",
    to: "task/adareel/",
    claim: [
      "ecs-workers",
      "a worker may take turns from its own queue, and protect the tasks of its own cluster",
    ],
  },
  {
    name: "a turn is set aside after its first failure",
    resource: "WorkersRunsQueue",
    from: '"maxReceiveCount":5',
    to: '"maxReceiveCount":1',
    claim: ["wiring", "a queue sets messages aside after five tries, into dead letters of its own"],
  },
  {
    name: "the instances of one zone reach nothing",
    resource: "WorkersNetworkAssociation3",
    from: /WorkersNetworkSubnet3\w+/,
    to: "WorkersNetworkSubnet2EA851D12",
    claim: ["ecs-workers", "the instances of every zone have a way out"],
  },
  {
    name: "the alarm of missing workers watches the dead letters",
    resource: "AlarmsNoWorker",
    from: "WorkersRunsQueue561D5034",
    to: "WorkersRunsDeadLettersB13562AC",
    claim: ["ecs-alarms", "the alarm %s counts the jobs that wait in the queue of runs"],
  },
  {
    name: "the alarm of missing workers has no action",
    resource: "AlarmsNoWorker",
    from: /"AlarmActions":\[.*?\],/,
    to: "",
    claim: ["wiring", "an alarm acts, and one that tells people has the topic for it"],
  },
  {
    name: "the log of the workers is kept for ever",
    resource: "WorkersLog",
    from: '"RetentionInDays":30,',
    to: "",
    claim: ["ecs-workers", "the container writes into a log that is kept for a month"],
  },
  {
    name: "the disk of an instance has no place for a model",
    resource: "WorkersCapacityOnDemand",
    from: '"StorageSizeGiB":250',
    to: '"StorageSizeGiB":30',
    claim: [
      "ecs-workers",
      "the instances have a disk for the image, and twice for the largest model of docs/models.md",
    ],
  },
  {
    name: "tasks are placed on instances that nobody starts",
    resource: "WorkersServiceOnDemand",
    from: /"CapacityProviderStrategy":\[.*?\],/,
    to: '"LaunchType":"EC2",',
    claim: ["ecs-workers", "the service has its tasks on the instances that its provider starts"],
  },
  {
    name: "workers are removed faster than the metrics show it",
    resource: "ScalingInPolicy",
    from: '"Cooldown":240',
    to: '"Cooldown":0',
    claim: ["ecs-scaling", "only workers that have nothing to do are counted for removal, one by one"],
  },
  {
    name: "the container serves requests that nobody sends",
    resource: "WorkersTaskDefinition",
    from: '["pull"]',
    to: '["serve"]',
    claim: [
      "ecs-workers",
      "the container pulls its turns from the queue of runs, and is told where the jobs and the model are",
    ],
  },
  {
    name: "ECS kills a worker before it has released its job",
    resource: "WorkersTaskDefinition",
    from: '"StopTimeout":120',
    to: '"StopTimeout":30',
    claim: ["ecs-workers", "the container may end its job after the signal to stop, before ECS kills it"],
  },
  {
    name: "workers are never removed if no metric has data",
    resource: "ScalingSleep",
    from: '"TreatMissingData":"breaching"',
    to: '"TreatMissingData":"notBreaching"',
    claim: ["ecs-scaling", "all workers go after the idle minutes without a job, even if no metric has data"],
  },
  {
    name: "workers are removed while they work",
    resource: "ScalingIn",
    from: '"ComparisonOperator":"GreaterThanOrEqualToThreshold"',
    to: '"ComparisonOperator":"LessThanThreshold"',
    claim: ["wiring", "an alarm rings at its threshold, and not only beyond it"],
  },
];

/** Mutants by whether both backends have them, or which one. */
export const MUTANTS = { both: BOTH, SageMaker: SAGEMAKER, ECS } as const;

/** Returns a template with the edit of a mutant, if it has the resource and the text. */
export function mutated(template: ReturnType<Template["toJSON"]>, { resource, from, to }: Mutant) {
  const resources = Object.entries<object>(template.Resources).map(([id, body]) => {
    if (id.slice(0, -8) !== resource) return [id, body];
    return [id, JSON.parse(JSON.stringify(body).replace(from, to))];
  });
  return { ...template, Resources: Object.fromEntries(resources) };
}
