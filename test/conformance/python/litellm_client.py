"""Drives the API with LiteLLM."""

import litellm
from program import given, show

litellm.suppress_debug_info = True
account = {"api_key": given["key"], "api_base": given["base_url"], "custom_llm_provider": "openai"}


def refusal(call):
    try:
        call()
    except Exception as error:
        return [type(error).__name__, getattr(error, "status_code", None), str(error)]
    return None


def create(**fields):
    return litellm.video_generation(model="demo", prompt="a red circle", **fields, **account)


# LiteLLM keeps `cache` and `metadata` for itself, without a word.
fields = given["fields"]
created = create(seconds="2", extra_body={"seed": fields["seed"], "cache_policy": fields["cache"]})
polled = created
while polled.status in ("queued", "in_progress"):
    polled = litellm.video_status(created.id, **account)
remix = litellm.video_remix(created.id, "a blue square", **account)
create()
page = litellm.video_list(limit=2, **account)
listed = page["data"]
while page["has_more"]:
    page = litellm.video_list(limit=2, after=page["last_id"], **account)
    listed += page["data"]
show(
    {
        # What it makes of an answer lacks our fields, so this is what a list has.
        "created": next(video for video in listed if video["id"] == created.id),
        "polled": polled.status,
        "content": litellm.video_content(created.id, **account).decode(),
        "thumbnail": litellm.video_content(created.id, variant="thumbnail", **account).decode(),
        "remixed": litellm.video_status(remix.id, **account).remixed_from_video_id is not None,
        "listed": len({video["id"] for video in listed}),
        "missing": refusal(lambda: litellm.video_status("video_" + 26 * "0", **account)),
        "unknown": refusal(lambda: create(extra_body={"colours": "1"})),
    }
)
