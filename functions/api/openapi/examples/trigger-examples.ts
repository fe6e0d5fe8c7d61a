import { videoIdTime } from "../../../../lib/service/jobs/index.ts";
import type { TriggerView } from "../../schemas/trigger.ts";
import { pageView } from "../../views/page.ts";
import { unixSeconds } from "../../views/video.ts";
import { type Example, IDS, type OperationExamples } from "./example.ts";

const at = unixSeconds(videoIdTime(IDS.video));
const secret = "adrt_0Yk3vC9pQ2mX7sLtF5bWn8RjHd1ZgUe6aKoT4iPyVMc";

const trigger: TriggerView = {
  id: IDS.trigger,
  object: "trigger",
  name: "issues",
  prompt: "{{/issue/title}}",
  signature: { scheme: "github", old_secret_active_until: null },
  video: { cache: "fast", metadata: { issue: "{{/issue/number}}" } },
  filter: [{ pointer: "/action", equals: "opened" }],
  enabled: true,
  invoke_path: `/v1/triggers/${IDS.trigger}/invoke`,
  created_at: at,
  updated_at: at,
};

const created = {
  name: trigger.name,
  prompt: trigger.prompt,
  signature: { scheme: "github" },
  video: trigger.video,
  filter: trigger.filter,
};

/** Payload of GitHub for a new issue, as far as the sample trigger reads it. */
export const SAMPLE_PAYLOAD = {
  action: "opened",
  issue: { number: 7, title: "a yellow ring grows on black" },
};

const shown = (value: TriggerView): Example => ({ summary: "The trigger", value });
const withSecret: Example = { summary: "With its secret", value: { ...trigger, signing_secret: secret } };
const skipped: Example = {
  summary: "Filtered out",
  value: { object: "trigger.skipped", trigger_id: IDS.trigger },
};

/** Examples of the operations on triggers, by the id of the operation. */
export const triggerExamples: Readonly<Record<string, OperationExamples>> = {
  createTrigger: {
    bodies: {
      github: { summary: "New issues on GitHub", value: created },
      bearer: {
        summary: "A sender with a token",
        value: { prompt: "a {{/colour}} ring grows on black", signature: { scheme: "bearer" } },
      },
    },
    answers: { created: withSecret },
    wrong: { ...created, signature: { scheme: "hmac" } },
  },
  listTriggers: { answers: { page: { summary: "All of them", value: pageView([trigger]) } } },
  getTrigger: { answers: { trigger: shown(trigger) } },
  updateTrigger: {
    bodies: { off: { summary: "Switch it off", value: { enabled: false } } },
    answers: { trigger: shown({ ...trigger, enabled: false, updated_at: at + 60 }) },
    wrong: { enabled: "no" },
  },
  deleteTrigger: {
    answers: {
      deleted: {
        summary: "Deleted",
        value: { id: IDS.trigger, object: "trigger.deleted", deleted: true },
      },
    },
  },
  rotateTriggerSecret: {
    bodies: { keep: { summary: "Keep the old one", value: { keep_old_secret_active_for_24_hours: true } } },
    answers: { rotated: withSecret },
    wrong: { secret: 7 },
  },
  dryRunTrigger: {
    bodies: { opened: { summary: "A new issue", value: { payload: SAMPLE_PAYLOAD } } },
    answers: {
      made: {
        summary: "It would make this video",
        value: {
          object: "trigger.dry_run",
          trigger_id: IDS.trigger,
          prompt: SAMPLE_PAYLOAD.issue.title,
          params: { cache: "fast", metadata: { issue: "7" }, timeout: 3600 },
        },
      },
      skipped,
    },
    wrong: {},
  },
  invokeTrigger: {
    answers: {
      skipped,
      ping: { summary: "A ping", value: { object: "trigger.ping", trigger_id: IDS.trigger } },
    },
    otherAnswers: {
      202: {
        made: {
          summary: "It makes a video",
          value: {
            object: "trigger.invocation",
            trigger_id: IDS.trigger,
            video_id: IDS.video,
            is_replay: false,
          },
        },
      },
    },
  },
};
