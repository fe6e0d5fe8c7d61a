import type { Mutant } from "./manifests.ts";

const WORKERS = "kubernetes/workers.yaml";
const API = "kubernetes/api.yaml";
const GATEWAY_FILE = "kubernetes/gateway/gateway.yaml";
const KEDA = "kubernetes/keda/scaled-object.yaml";
const COMPOSE = "compose.yaml";

const STARTED =
  "the API gets requests once it answers, and a worker has an hour to get its model before it is restarted";
const SCALED =
  "a waiting video has a worker of its own, of eight at most, and idle ones go after ten minutes";
const LOCKED = "the pods of %s are no root, write to volumes alone, and cannot ask the cluster";
const GPU = "a worker has one GPU and the memory for a model, on nodes that keep other pods away";
const INSIDE = "nothing is reached from outside the cluster, and a Service reaches the pods of its own name";
const GATEWAY = "the gateway is one pod over one lasting disk, which two gateways never share";
const MASTER_KEY = "the pods of the API have one lasting master key, which nobody else reads";
const PULLING = "the API of %s makes no videos beside its workers, which pull theirs";
const PROBED = "the container of %s is asked whether it is well by %s at its own port";
const ONE_STORE =
  "API, workers and gateway name one bucket, one endpoint and one Secret, which no manifest holds";
const VERSION = "the gateway has one version on both platforms, which does not change by itself";
const RESTARTED = "a service of compose comes back after a crash and a restart of the machine";
const STOPPED = "the service %s has an hour for its video when it is stopped";
const LASTING = "the videos and the master key of compose are on volumes that outlive the containers";
const LOCAL = "compose is reached by the API alone, and from this machine alone";
const ASKED = "every service of compose asks the gateway at its port, for the bucket that is made";
const OWN_GPU = "the GPU worker of compose pulls its turns, and has a GPU for itself";

/** Faults of the files of deploy/. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "a big model is never there in time, because the worker is restarted meanwhile",
    file: WORKERS,
    from: "failureThreshold: 360",
    to: "failureThreshold: 3",
    claim: STARTED,
  },
  {
    name: "a rollout ends every video after half a minute",
    file: WORKERS,
    from: /terminationGracePeriodSeconds: 3600([\s\S]*)"3540000"/,
    to: 'terminationGracePeriodSeconds: 90$1"30000"',
    claim:
      "a pod has an hour, of which the last minute is for handing a video back, and its worker is told so",
  },
  {
    name: "a GPU is paid for while there is nothing to do",
    file: KEDA,
    from: "minReplicaCount: 0",
    to: "minReplicaCount: 1",
    claim: SCALED,
  },
  {
    name: "ten videos wait for one worker",
    file: KEDA,
    from: 'targetValue: "1"',
    to: 'targetValue: "10"',
    claim: SCALED,
  },
  {
    name: "a video waits for four others before a worker comes",
    file: KEDA,
    from: 'targetValue: "1"',
    to: 'targetValue: "1"\n        activationTargetValue: "4"',
    claim: SCALED,
  },
  {
    name: "every pause costs a start of the model",
    file: KEDA,
    from: "cooldownPeriod: 600",
    to: "cooldownPeriod: 0",
    claim: SCALED,
  },
  {
    name: "a backlog starts as many GPUs as the cluster can pay for",
    file: KEDA,
    from: "maxReplicaCount: 8",
    to: "maxReplicaCount: 800",
    claim: SCALED,
  },
  {
    name: "a worker can ask the cluster with a token",
    file: WORKERS,
    from: "automountServiceAccountToken: false",
    to: "automountServiceAccountToken: true",
    claim: LOCKED,
  },
  {
    name: "the API can ask the cluster with a token",
    file: API,
    from: "automountServiceAccountToken: false",
    to: "automountServiceAccountToken: true",
    claim: LOCKED,
  },
  {
    name: "a worker runs as root",
    file: WORKERS,
    from: "runAsNonRoot: true",
    to: "runAsNonRoot: false",
    claim: LOCKED,
  },
  {
    name: "a worker has the node",
    file: WORKERS,
    from: "allowPrivilegeEscalation: false",
    to: "privileged: true",
    claim: LOCKED,
  },
  {
    name: "a worker keeps the capabilities of a container",
    file: WORKERS,
    from: 'drop: ["ALL"]',
    to: 'drop: ["NET_RAW"]',
    claim: LOCKED,
  },
  {
    name: "a worker is placed where there is no GPU",
    file: WORKERS,
    from: "              nvidia.com/gpu: 1\n",
    to: "",
    claim: GPU,
  },
  {
    name: "a worker holds eight GPUs and uses one",
    file: WORKERS,
    from: "nvidia.com/gpu: 1",
    to: "nvidia.com/gpu: 8",
    claim: GPU,
  },
  {
    name: "a worker is placed where its model has no memory",
    file: WORKERS,
    from: "memory: 16Gi",
    to: "memory: 64Mi",
    claim: GPU,
  },
  {
    name: "no worker may be placed on the nodes with GPUs",
    file: WORKERS,
    from: / {6}tolerations:\n( {8}.*\n){3}/,
    to: "",
    claim: GPU,
  },
  {
    name: "a rollout waits for a second GPU, or pays for it",
    file: WORKERS,
    from: "maxSurge: 0",
    to: "maxSurge: 1",
    claim: "a worker is replaced by another one only when its own GPU is free",
  },
  {
    name: "a worker downloads its model to a disk that is read-only",
    file: WORKERS,
    from: "/scratch/models",
    to: "/models",
    claim: "a worker keeps models and pictures on its volume",
  },
  {
    name: "the store is on the internet",
    file: GATEWAY_FILE,
    from: "spec:\n  selector:\n    app: adareel-gateway\n  ports",
    to: "spec:\n  type: LoadBalancer\n  selector:\n    app: adareel-gateway\n  ports",
    claim: INSIDE,
  },
  {
    name: "the API is on the internet, with its metrics",
    file: API,
    from: "spec:\n  selector:\n    app: adareel-api\n  ports",
    to: "spec:\n  type: LoadBalancer\n  selector:\n    app: adareel-api\n  ports",
    claim: INSIDE,
  },
  {
    name: "requests to the store reach the API",
    file: GATEWAY_FILE,
    from: "spec:\n  selector:\n    app: adareel-gateway\n  ports",
    to: "spec:\n  selector:\n    app: adareel-api\n  ports",
    claim: INSIDE,
  },
  {
    name: "two gateways write to one disk",
    file: GATEWAY_FILE,
    from: "replicas: 1",
    to: "replicas: 2",
    claim: GATEWAY,
  },
  {
    name: "two gateways write to one disk during a rollout",
    file: GATEWAY_FILE,
    from: "type: Recreate",
    to: "type: RollingUpdate",
    claim: GATEWAY,
  },
  {
    name: "the videos go with the pod of the gateway",
    file: GATEWAY_FILE,
    from: /persistentVolumeClaim:\n\s+claimName: adareel-files/,
    to: "emptyDir: {}",
    claim: GATEWAY,
  },
  {
    name: "every pod of the API has a master key of its own, until it goes",
    file: API,
    from: /secret:\n\s+secretName: adareel-master-key\n\s+defaultMode: 0440/,
    to: "emptyDir: {}",
    claim: MASTER_KEY,
  },
  {
    name: "the master key is open to every process",
    file: API,
    from: '"-m", "400"',
    to: '"-m", "444"',
    claim: MASTER_KEY,
  },
  {
    name: "the pods of the API make videos without a GPU",
    file: API,
    from: "              value: none\n",
    to: '              value: "1"\n',
    claim: PULLING,
  },
  {
    name: "the API is restarted for ever, because it is asked for a page that it lacks",
    file: API,
    from: /livenessProbe:\n(\s+)httpGet:\n(\s+)path: \/healthz/,
    to: "livenessProbe:\n$1httpGet:\n$2path: /health",
    claim: PROBED,
  },
  {
    name: "a worker is restarted for ever, because it is asked for a page that it lacks",
    file: WORKERS,
    from: /livenessProbe:\n(\s+)httpGet:\n(\s+)path: \/ping/,
    to: "livenessProbe:\n$1httpGet:\n$2path: /healthz",
    claim: PROBED,
  },
  {
    name: "a worker is asked at the port of the API",
    file: WORKERS,
    from: "containerPort: 8080",
    to: "containerPort: 3000",
    claim: PROBED,
  },
  {
    name: "a pod of the API gets requests before it answers",
    file: API,
    from: / {10}readinessProbe:\n( {12}.*\n){3}/,
    to: "",
    claim: STARTED,
  },
  {
    name: "a worker has no key for the store",
    file: WORKERS,
    from: "            - secretRef:\n                name: adareel-s3\n",
    to: "",
    claim: ONE_STORE,
  },
  {
    name: "the key for the store is in the repository",
    file: "kubernetes/settings.yaml",
    from: "  STORE:",
    to: "  AWS_SECRET_ACCESS_KEY: adareel\n  STORE:",
    claim: ONE_STORE,
  },
  {
    name: "a worker of Kubernetes waits for requests that nobody sends",
    file: WORKERS,
    from: 'args: ["pull"]',
    to: 'args: ["serve"]',
    claim: PULLING,
  },
  {
    name: "the gateway of Kubernetes changes by itself",
    file: GATEWAY_FILE,
    from: "versitygw:v1.8.0",
    to: "versitygw:latest",
    claim: VERSION,
  },
  {
    name: "the gateway of compose changes by itself",
    file: COMPOSE,
    from: "versitygw:v1.8.0",
    to: "versitygw:latest",
    claim: VERSION,
  },
  {
    name: "a worker of compose that crashes stays away",
    file: COMPOSE,
    from: "stop_grace_period: 1h\n  restart: unless-stopped",
    to: 'stop_grace_period: 1h\n  restart: "no"',
    claim: RESTARTED,
  },
  {
    name: "the gateway of compose stays away after a restart of the machine",
    file: COMPOSE,
    from: "      - files:/files\n    restart: unless-stopped",
    to: '      - files:/files\n    restart: "no"',
    claim: RESTARTED,
  },
  {
    name: "compose kills a worker after ten seconds",
    file: COMPOSE,
    from: "stop_grace_period: 1h",
    to: "stop_grace_period: 10s",
    claim: STOPPED,
  },
  {
    name: "compose kills a worker that has not handed its video back",
    file: COMPOSE,
    from: '"3540000"',
    to: '"3600000"',
    claim: STOPPED,
  },
  {
    name: "the videos of compose go with the container of the gateway",
    file: COMPOSE,
    from: "    volumes:\n      - files:/files\n    restart",
    to: "    restart",
    claim: LASTING,
  },
  {
    name: "the bucket of compose is made on the disk of the API",
    file: COMPOSE,
    from: '"/files/videos"]\n    volumes:\n      - files:/files',
    to: '"/files/videos"]\n    volumes:\n      - data:/files',
    claim: LASTING,
  },
  {
    name: "the master key of compose goes with the container of the API",
    file: COMPOSE,
    from: "- data:/data",
    to: "- data:/cache",
    claim: LASTING,
  },
  {
    name: "compose is open to the network, without TLS",
    file: COMPOSE,
    from: '"127.0.0.1:3000:3000"',
    to: '"3000:3000"',
    claim: LOCAL,
  },
  {
    name: "the store of compose is open to the network",
    file: COMPOSE,
    from: "    image: ghcr.io/versity/versitygw:v1.8.0\n",
    to: '    image: ghcr.io/versity/versitygw:v1.8.0\n    ports: ["7070:7070"]\n',
    claim: LOCAL,
  },
  {
    name: "the key of every store of compose is the same",
    file: COMPOSE,
    from: /\$\{S3_SECRET_KEY:\?set it to a long secret\}/g,
    to: `\${S3_SECRET_KEY:-adareel}`,
    claim: "compose has no secret of its own, and does not start without one",
  },
  {
    name: "the API of compose makes videos beside its workers",
    file: COMPOSE,
    from: "      WORKERS: none\n",
    to: "",
    claim: PULLING,
  },
  {
    name: "the services of compose ask for a bucket that is not made",
    file: COMPOSE,
    from: "s3://videos",
    to: "s3://films",
    claim: ASKED,
  },
  {
    name: "the services of compose ask at a port where nobody is",
    file: COMPOSE,
    from: "http://gateway:7070",
    to: "http://gateway:9000",
    claim: ASKED,
  },
  {
    name: "no worker of compose begins, because the API is asked for a page that it lacks",
    file: COMPOSE,
    from: "3000/healthz",
    to: "3000/health",
    claim: "the workers of compose begin when the API answers that it is well",
  },
  {
    name: "two workers of compose share a GPU",
    file: COMPOSE,
    from: '    command: ["pull"]\n    deploy:\n',
    to: '    command: ["pull"]\n    deploy:\n      replicas: 2\n',
    claim: OWN_GPU,
  },
  {
    name: "the GPU worker of compose has no GPU",
    file: COMPOSE,
    from: 'capabilities: ["gpu"]',
    to: 'capabilities: ["utility"]',
    claim: OWN_GPU,
  },
  {
    name: "the GPU worker of compose waits for requests that nobody sends",
    file: COMPOSE,
    from: '    command: ["pull"]\n',
    to: '    command: ["serve"]\n',
    claim: OWN_GPU,
  },
  {
    name: "a worker is evicted for what it has asked for",
    file: WORKERS,
    from: "ephemeral-storage: *scratch",
    to: "ephemeral-storage: 1Gi",
    claim:
      "a worker asks for the disk that it may fill, which the documents raise by the size of their model",
  },
  {
    name: "the registry does not know the pods of the workers",
    file: WORKERS,
    from: "serviceAccountName: adareel",
    to: "serviceAccountName: default",
    claim: "a pod runs as the account that may pull from the registry, by the Secret of the documents",
  },
];
