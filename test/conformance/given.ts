/** Webhook with the secret by which a client verifies it. */
export interface WebhookToVerify {
  readonly headers: Readonly<Record<string, string>>;
  /** Body, byte for byte as it was sent. */
  readonly body: string;
  readonly secret: string;
}

/** JSON that every program reads from its standard input. */
export interface Given {
  /** URL of the API with its version. */
  readonly base_url: string;
  readonly key: string;
  /** URL that takes webhooks. */
  readonly receiver: string;
  /** Fields of this service that OpenAI's API does not have. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Webhooks by name, to verify each. */
  readonly webhooks: Readonly<Record<string, WebhookToVerify>>;
}
