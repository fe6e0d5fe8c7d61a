/** @jsxImportSource hono/jsx */
import type { Section } from "./page.ts";
import { P, Table } from "./parts.tsx";

/** Sections on how to make videos of other services' webhooks. */
export function triggersGuide(): Section[] {
  return [
    {
      id: "trigger-recipe",
      title: "Make videos of webhooks",
      kind: "guide",
      words: "github stripe recipe incoming webhook automation",
      content: (
        <>
          <P>
            A trigger is an address to which another service posts its webhooks. Each one that passes the
            filter makes a video; the prompt is a template that is filled from the webhook. With GitHub, a
            video for each new issue:
          </P>
          <ol>
            <li>
              <P>
                [Create a trigger](#createTrigger) with the scheme `github`, and keep the `signing_secret` of
                the answer: it is shown this once.
              </P>
            </li>
            <li>
              <P>
                In the repository's settings add a webhook: the address of this service with the trigger's
                `invoke_path` as payload URL, the content type `application/json`, the secret, and the event
                `Issues`.
              </P>
            </li>
            <li>
              <P>
                GitHub sends a ping, which is answered with `trigger.ping`. [A dry run](#dryRunTrigger) shows
                what a payload would make, and makes nothing.
              </P>
            </li>
          </ol>
        </>
      ),
    },
    {
      id: "templates",
      title: "Templates and filters",
      kind: "guide",
      words: "json pointer placeholder braces condition",
      content: (
        <Table
          head={["In the trigger", "With this payload", "Result"]}
          rows={[
            ["`{{/issue/title}}`", '`{"issue": {"title": "a fox"}}`', "`a fox`"],
            ["`{{/labels/0}} in the rain`", '`{"labels": ["cat", "dog"]}`', "`cat in the rain`"],
            ["`{{/a~1b}}`", '`{"a/b": 7}`', "`7`: a slash in a name is `~1`, a tilde `~0`"],
            ["`{{{{`", "any", "`{{`"],
            [
              "`{{/missing}}`",
              "`{}`",
              "refused as [template_field_missing](/docs/errors#error-template_field_missing)",
            ],
            ['filter `{"pointer": "/action", "equals": "opened"}`', '`{"action": "closed"}`', "no video"],
          ]}
        />
      ),
    },
    {
      id: "schemes",
      title: "Signatures of senders",
      kind: "guide",
      words: "scheme standard_webhooks github bearer secret authentication duplicate replay",
      content: (
        <Table
          head={["`scheme`", "The sender", "Known to be the same by"]}
          rows={[
            [
              "`standard_webhooks`",
              "signs as [Standard Webhooks](https://www.standardwebhooks.com) says, with a `whsec_` secret; the headers may be those of Svix, `svix-id`, `svix-timestamp` and `svix-signature`",
              "its `webhook-id`, for 7 days",
            ],
            ["`github`", "sends `X-Hub-Signature-256`", "its content, for 30 days"],
            [
              "`bearer`",
              "sends `Authorization: Bearer` and the secret",
              "`Idempotency-Key` or `webhook-id` for 24 hours; without those its content for 2 minutes",
            ],
          ]}
        />
      ),
    },
  ];
}
