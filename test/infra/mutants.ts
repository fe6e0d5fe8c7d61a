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

type Claim = Mutant["claim"];

const TRUST: Claim = [
  "trust",
  "a role is assumed by its own service of AWS, and for this account alone where the service names one",
];
const OPEN: Claim = [
  "trust",
  "a bucket, a queue or a topic is open to the services of AWS that need it, and to nobody else",
];
const ENCRYPTED: Claim = ["trust", "a bucket, a queue or a topic refuses whoever comes without TLS"];
const KEPT: Claim = [
  "wiring",
  "a queue gives its messages out at once and for longer than a job lives, and dead letters for two weeks",
];
const IMAGES: Claim = [
  "leftovers",
  "a repository keeps the newest images, and none can be replaced under its tag",
];
const ROLES: Claim = [
  "ecs-workers",
  "a worker has its own role, and ECS the one that starts it; the container has no more of its instance",
];

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
  {
    name: "anybody may assume the role of dispatch",
    resource: "DispatchRole",
    from: '"Principal":{"Service":"lambda.amazonaws.com"}',
    to: '"Principal":{"AWS":"*"}',
    claim: TRUST,
  },
  {
    name: "anybody may assume the role that builds the image",
    resource: "ImageBuildBuildRole",
    from: '"Principal":{"Service":"codebuild.amazonaws.com"}',
    to: '"Principal":{"AWS":"*"}',
    claim: TRUST,
  },
  {
    name: "the alarm of the API may not tell its topic",
    resource: "OpsPolicy",
    from: "cloudwatch.amazonaws.com",
    to: "events.amazonaws.com",
    claim: OPEN,
  },
  {
    name: "anybody may tell people what only alarms should",
    resource: "AlarmsOpsPolicy",
    from: '"Statement":[',
    to: '"Statement":[{"Action":"sns:Publish","Effect":"Allow","Principal":"*","Resource":"*"},',
    claim: OPEN,
  },
  {
    name: "anybody may get the videos",
    resource: "VideosBucketPolicy",
    from: '"Statement":[',
    to: '"Statement":[{"Action":"s3:GetObject","Effect":"Allow","Principal":{"AWS":"*"},"Resource":"*"},',
    claim: OPEN,
  },
  {
    name: "anybody may get the log of who gets videos",
    resource: "VideosAccessLogsPolicy",
    from: '"Statement":[',
    to: '"Statement":[{"Action":"s3:GetObject","Effect":"Allow","Principal":{"AWS":"*"},"Resource":"*"},',
    claim: OPEN,
  },
  {
    name: "anybody may get the log of requests to the API",
    resource: "LogsPolicy",
    from: '"Statement":[',
    to: '"Statement":[{"Action":"s3:GetObject","Effect":"Allow","Principal":{"AWS":"*"},"Resource":"*"},',
    claim: OPEN,
  },
  {
    name: "the log of requests to the API is read without TLS",
    resource: "LogsPolicy",
    from: '"aws:SecureTransport":"false"',
    to: '"aws:SecureTransport":"true"',
    claim: ENCRYPTED,
  },
  {
    name: "the sends of webhooks travel without TLS",
    resource: "SendsQueuePolicy",
    from: '"aws:SecureTransport":"false"',
    to: '"aws:SecureTransport":"true"',
    claim: ENCRYPTED,
  },
  {
    name: "the firewall keeps requests with their API keys as samples",
    resource: "FirewallAcl",
    from: '"MetricName":"AWSManagedRulesKnownBadInputsRuleSet","SampledRequestsEnabled":false',
    to: '"MetricName":"AWSManagedRulesKnownBadInputsRuleSet","SampledRequestsEnabled":true',
    claim: [
      "edge-stack",
      "the firewall blocks floods from one address with 429, addresses of bad repute and known attacks",
    ],
  },
  {
    name: "the budget rings as long as nothing is spent",
    resource: "Budget",
    from: '"ComparisonOperator":"GREATER_THAN"',
    to: '"ComparisonOperator":"LESS_THAN"',
    claim: [
      "monthly-budget",
      "a budget tells the topic of the alarms, at 80 and 100 % and when 100 % is forecast",
    ],
  },
  {
    name: "the graph of the bucket's size is empty",
    resource: "WatchBoard",
    from: 'models, videos and records\\",\\"period\\":86400',
    to: 'models, videos and records\\",\\"period\\":300',
    claim: [
      "dashboards",
      "the dashboard of jobs shows the size of the bucket by the day, since S3 reports it once a day",
    ],
  },
  {
    name: "the graphs of jobs ask a region that has none of their metrics",
    resource: "WatchBoard",
    from: /\\"region\\":\\"eu-central-1\\"/g,
    to: '\\"region\\":\\"us-east-1\\"',
    claim: ["dashboards", "the dashboard of jobs asks for the metrics of its own region, where they are"],
  },
  {
    name: "dispatch logs where it may not, and where nothing expires",
    resource: "DispatchFunction",
    from: /"LoggingConfig":\{.*?\}\},/,
    to: "",
    claim: [
      "gpu-stack",
      "a function runs on Node 24 on arm64, with its own role, and a log that is deleted with the stack",
    ],
  },
  {
    name: "dead letters are gone before anybody has seen the alarm",
    resource: "SendsDeadLetters",
    from: '"MessageRetentionPeriod":1209600',
    to: '"MessageRetentionPeriod":60',
    claim: KEPT,
  },
  {
    name: "the work of a busy minute is forgotten",
    resource: "WorkQueue",
    from: '"SqsManagedSseEnabled"',
    to: '"MessageRetentionPeriod":60,"SqsManagedSseEnabled"',
    claim: KEPT,
  },
  {
    name: "the sweep is ended before it has looked at many jobs",
    resource: "SweepFunction",
    from: '"Timeout":300',
    to: '"Timeout":3',
    claim: ["gpu-stack", "the sweep may take longer than the time between two calls, when many jobs need it"],
  },
  {
    name: "the sweep ends with a year",
    resource: "SweepSchedule",
    from: '"FlexibleTimeWindow"',
    to: '"EndDate":"2030-01-01T00:00:00Z","FlexibleTimeWindow"',
    claim: ["gpu-stack", "the sweep runs every two minutes, and a missed run is not repeated"],
  },
  {
    name: "the log of image builds is kept for ever",
    resource: "ImageBuildBuildLog",
    from: '"RetentionInDays":30,',
    to: "",
    claim: ["leftovers", "a log is kept for a month"],
  },
  {
    name: "every image is kept for ever",
    resource: "ImageBuildRepository",
    from: "imageCountMoreThan",
    to: "sinceImagePushed",
    claim: IMAGES,
  },
  {
    name: "an image can be replaced by another one under its tag",
    resource: "ImageBuildRepository",
    from: '"IMMUTABLE"',
    to: '"MUTABLE"',
    claim: IMAGES,
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
  {
    name: "a notification that cannot be delivered is lost",
    resource: "EventsDeadLettersPolicy",
    from: /\{"Ref":"EndpointFailures\w+"\}/,
    to: '{"Ref":"EndpointSuccesses7051908B"}',
    claim: OPEN,
  },
  {
    name: "most ends of runs are filtered out",
    resource: "EndpointSuccessesEvents",
    from: '"Protocol"',
    to: '"FilterPolicy":{"invocationStatus":["Completed"]},"Protocol"',
    claim: ["gpu-stack", "messages of the topic %s arrive raw, and none is lost on the way"],
  },
  {
    name: "the cost of instances is shown as a twelfth of it",
    resource: "WatchBoard",
    from: '\\"id\\":\\"reports\\",\\"visible\\":false,\\"period\\":3600',
    to: '\\"id\\":\\"reports\\",\\"visible\\":false,\\"period\\":300',
    claim: [
      "dashboards",
      "the dashboard of jobs counts instances by their reports, and hours of them as the cost",
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
  {
    name: "ECS may take a worker's role on behalf of another account",
    resource: "WorkersTaskRole",
    from: /"Condition":\{"StringEquals":\{"aws:SourceAccount":"\d+"\}\},/,
    to: "",
    claim: TRUST,
  },
  {
    name: "ECS may start instances on behalf of another account",
    resource: "WorkersCapacityInfrastructure",
    from: /"Condition":\{"StringEquals":\{"aws:SourceAccount":"\d+"\}\},/,
    to: "",
    claim: TRUST,
  },
  {
    name: "the instances cannot take the role that makes them known to ECS",
    resource: "WorkersCapacityInstance",
    from: "ec2.amazonaws.com",
    to: "ecs.amazonaws.com",
    claim: TRUST,
  },
  {
    name: "ECS may start no instance",
    resource: "WorkersCapacityInfrastructure",
    from: /"ManagedPolicyArns":\[.*?\]\]\}\],/,
    to: "",
    claim: [
      "ecs-workers",
      "the instances are started by ECS, and known to it, by the policies that AWS wrote for that",
    ],
  },
  {
    name: "the turns of workers travel without TLS",
    resource: "WorkersRunsQueuePolicy",
    from: '"aws:SecureTransport":"false"',
    to: '"aws:SecureTransport":"true"',
    claim: ENCRYPTED,
  },
  {
    name: "a job that waits for an hour has no message left",
    resource: "WorkersRunsQueue",
    from: '"SqsManagedSseEnabled"',
    to: '"MessageRetentionPeriod":3600,"SqsManagedSseEnabled"',
    claim: KEPT,
  },
  {
    name: "every job waits for a quarter of an hour",
    resource: "WorkersRunsQueue",
    from: '"SqsManagedSseEnabled"',
    to: '"DelaySeconds":900,"SqsManagedSseEnabled"',
    claim: KEPT,
  },
  {
    name: "dead turns are gone before anybody has seen the alarm",
    resource: "WorkersRunsDeadLetters",
    from: '"MessageRetentionPeriod":1209600',
    to: '"MessageRetentionPeriod":60',
    claim: KEPT,
  },
  {
    name: "no task is placed on the instances of the provider",
    resource: "WorkersService",
    from: '"Weight":1',
    to: '"Weight":0',
    claim: ["ecs-workers", "the service has its tasks on the instances that its provider starts"],
  },
  {
    name: "idle instances are kept for ever, and billed",
    resource: "WorkersCapacityOnDemand",
    from: '"ScaleInAfter":60',
    to: '"ScaleInAfter":-1',
    claim: ["ecs-workers", "the instances go a minute after their task, since they are billed until then"],
  },
  {
    name: "the instances have another security group, which may let anybody in",
    resource: "WorkersCapacityOnDemand",
    from: /\{"Fn::GetAtt":\["WorkersNetworkOutward\w+","GroupId"\]\}/,
    to: '"sg-0123456789abcdef0"',
    claim: ["ecs-workers", "the instances are reached by nobody, and reach AWS by HTTPS"],
  },
  {
    name: "the container has all of its instance",
    resource: "WorkersTaskDefinition",
    from: '"Name":"worker",',
    to: '"Name":"worker","Privileged":true,',
    claim: ROLES,
  },
  {
    name: "a worker has the role that starts it, and none of the bucket",
    resource: "WorkersTaskDefinition",
    from: /"TaskRoleArn":\{"Fn::GetAtt":\["WorkersTaskRole\w+"/,
    to: '"TaskRoleArn":{"Fn::GetAtt":["WorkersTaskExecutionRoleA5135880"',
    claim: ROLES,
  },
  {
    name: "a worker does not start, because its log is in another region",
    resource: "WorkersTaskDefinition",
    from: '"awslogs-region":"eu-central-1"',
    to: '"awslogs-region":"us-east-1"',
    claim: ["ecs-workers", "the container writes into a log that is kept for a month"],
  },
  {
    name: "a worker does not start, because ECS may not pull its image",
    resource: "WorkersTaskExecutionRoleDefaultPolicy",
    from: '"ecr:GetAuthorizationToken","Effect":"Allow"',
    to: '"ecr:GetAuthorizationToken","Effect":"Deny"',
    claim: ["ecs-workers", "ECS may pull the image and write the log, and nothing else"],
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
