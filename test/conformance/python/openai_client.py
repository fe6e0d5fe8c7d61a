"""Drives the API with the openai package."""

import json
import warnings

import openai
from program import given, show, verdicts

warnings.simplefilter("ignore", DeprecationWarning)

client = openai.OpenAI(api_key=given["key"], base_url=given["base_url"], max_retries=0)
videos = client.videos


def refusal(call):
    try:
        call()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.code, error.param]
    return None


def endpoints():
    webhooks = client.webhooks
    created = webhooks.create(name="mine", url=given["receiver"], event_types=["video.completed"])
    updated = webhooks.update(created.id, name="ours")
    rotated = webhooks.rotate_secret(created.id, keep_old_secret_active_for_24_hours=True)
    return {
        "names": [created.name, updated.name, webhooks.retrieve(created.id).name],
        "listed": [each.id for each in webhooks.list()] == [created.id],
        "rotated": rotated.signing_secret != created.signing_secret,
        "tested": webhooks.test(created.id, event_type="video.failed").status_code,
        "types": webhooks.event_types.list().data,
        "deleted": webhooks.delete(created.id).deleted,
    }


# The client sorts the fields of a form by name, so which row of a list has which member would be lost. A text of JSON
# arrives as it is.
extra_body = {**given["fields"], "cache": json.dumps(given["fields"]["cache"])}
created = videos.create(prompt="a red circle", seconds="2", extra_body=extra_body)
polled = videos.poll(created.id)
remix = videos.remix(created.id, prompt="a blue square")
videos.create(prompt="a red circle")
show(
    {
        "created": created.to_dict(),
        "polled": polled.status,
        "content": videos.download_content(created.id).text,
        "thumbnail": videos.download_content(created.id, variant="thumbnail").text,
        "remixed": remix.remixed_from_video_id == created.id,
        "metadata": created.metadata,
        "listed": len({each.id for each in videos.list(limit=2)}),
        "models": [model.id for model in client.models.list()],
        "deleted": videos.delete(created.id).deleted,
        "missing": refusal(lambda: videos.retrieve(created.id)),
        "unknown": refusal(lambda: videos.create(prompt="a", extra_body={"colours": "1"})),
        "keyless": refusal(lambda: client.with_options(api_key="adr_wrong").models.list()),
        "endpoints": endpoints(),
        "verdicts": verdicts(
            lambda body, headers, secret: client.webhooks.unwrap(body, headers, secret=secret)
        ),
    }
)
