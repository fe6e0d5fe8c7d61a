"""Calls the API with the openai package and prints the results as JSON; run by openai-sdk-python.test.ts."""

import json
import sys
import warnings

import openai

warnings.simplefilter("ignore", DeprecationWarning)

base_url, key, ready = sys.argv[1:]
client = openai.OpenAI(api_key=key, base_url=base_url + "/v1", max_retries=0)


def refusal(call):
    try:
        call()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.code, error.param, error.request_id is not None]
    return None


video = client.videos.create(
    prompt="a red circle",
    seconds="2",
    extra_body={"seed": 7, "cache": {"policy": "slow", "warmup_steps": 2}, "metadata": {"order": "42"}},
)
seen = {
    "version": openai.__version__,
    "created": [video.status, video.progress, video.seconds, video.size, video.params["seed"]],
    "cache": [video.params["cache"]["policy"], video.params["cache"]["warmup_steps"]],
    "metadata": video.metadata,
    "retrieved": client.videos.retrieve(video.id).id == video.id,
    "listed": video.id in [each.id for each in client.videos.list(limit=1)],
    "polled": client.videos.poll(ready).status,
    "content": client.videos.download_content(ready).read().decode(),
    "remix": client.videos.remix(ready, prompt="a blue square").remixed_from_video_id == ready,
    "deleted": client.videos.delete(video.id).deleted,
    "models": [model.id for model in client.models.list()],
    "missing": refusal(lambda: client.videos.retrieve(video.id)),
    "unknown": refusal(lambda: client.videos.create(prompt="a", extra_body={"loras": 1})),
    "keyless": refusal(lambda: client.with_options(api_key="adr_wrong").models.list()),
}
print(json.dumps(seen))
