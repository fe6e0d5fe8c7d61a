"""Verifies webhooks with the standardwebhooks package."""

from program import show, verdicts
from standardwebhooks import Webhook

show({"verdicts": verdicts(lambda body, headers, secret: Webhook(secret).verify(body, headers))})
