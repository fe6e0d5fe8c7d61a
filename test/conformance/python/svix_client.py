"""Verifies webhooks with the svix package."""

from program import show, verdicts
from svix.webhooks import Webhook

show({"verdicts": verdicts(lambda body, headers, secret: Webhook(secret).verify(body, headers))})
