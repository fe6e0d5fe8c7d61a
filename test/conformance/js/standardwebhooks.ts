import { Webhook } from "standardwebhooks";
import { printed, verdicts } from "./program.ts";

/* Verifies webhooks with the standardwebhooks package. */

await printed(async ({ webhooks }) => ({
  verdicts: await verdicts(webhooks, ({ body, headers, secret }) =>
    new Webhook(secret).verify(body, headers),
  ),
}));
