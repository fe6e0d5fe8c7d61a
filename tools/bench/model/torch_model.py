"""Times one part of a model in eager PyTorch on request, and writes its output.

    python tools/bench/model/torch_model.py --part MODEL/transformer --job JOB --threads 2

Started by `npm run bench -- model`, which lets it take turns with our graphs. JOB is a folder: job.json has the video
shape, the timestep and the guidance scale, and inputs.safetensors the inputs of the graph. The script writes the result
to output.f32 in JOB and prints one line of JSON. Then it reads numbers of runs from stdin, one per line, and prints one
line of JSON for each.

A step equals a computed step of the pipeline: both guidance halves in a batch of 2, then guidance. Latte, Wan, LTX-Video,
T5 and three of the autoencoders are those of diffusers and transformers. For Open-Sora-Plan's transformer the Latte class is
used, which has the same positions at 17 frames. The authors' own modules are imported from checkouts, whose folders are in
ADAREEL_OPEN_SORA (github.com/hpcaitech/Open-Sora, v1.2.0) and ADAREEL_OPEN_SORA_PLAN
(github.com/PKU-YuanGroup/Open-Sora-Plan, v1.1.0).
"""

import argparse
import json
import os
import re
import sys
import time
import types
import warnings
from pathlib import Path

try:
    import torch
    import torch.nn.functional as F
    from safetensors.torch import load_file
except ImportError as error:
    sys.exit(str(error))

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "golden"))

# Buffers that follow from the configuration, and parameters used only for encoding or training.
DERIVED = re.compile(
    r"^(rope\.|y_embedder\.y_embedding|pos_embed|temp_pos_embed|encoder\.embed_tokens\.|quant_conv\."
    r"|encoder\.(conv|down|mid|norm)|(spatial_vae\.module|temporal_vae)\.(encoder|quant_conv)\.)"
)


def checkout(variable: str) -> Path:
    if variable not in os.environ:
        sys.exit(f"{variable} does not name a checkout of the authors' code")
    return Path(os.environ[variable])


def fill(model, weights: dict):
    """Loads weights; asserts that every weight is used, and that every used parameter has a weight."""
    missing, unexpected = model.load_state_dict(weights, strict=False)
    lost = [name for name in missing if not DERIVED.match(name)]
    assert not lost and not unexpected, f"the weights do not fit: {lost[:3]} missing, {unexpected[:3]} unexpected"
    return model.float().eval()


def guided(predict, inputs: dict, job: dict):
    channels = inputs["latent"].shape[1]

    def step():
        both = predict(torch.cat([inputs["latent"]] * 2), inputs["text"])[:, :channels]
        conditional, unconditional = both.chunk(2)
        return unconditional + job["guidanceScale"] * (conditional - unconditional)

    return step


def stdit3(config, weights, inputs, job):
    # Replaces the authors' fused attention, which needs a GPU.
    attend = lambda q, k, v, softmax_scale, **_unused: F.scaled_dot_product_attention(
        *(t.transpose(1, 2) for t in (q, k, v)), scale=softmax_scale
    ).transpose(1, 2)
    import model_stdit3_upstream

    STDiT3, STDiT3Config = model_stdit3_upstream.load(checkout("ADAREEL_OPEN_SORA"))
    sys.modules["flash_attn"] = types.ModuleType("flash_attn")
    sys.modules["flash_attn"].flash_attn_func = attend
    model = fill(STDiT3(STDiT3Config(**config, enable_flash_attn=True)), weights)
    pair = lambda value: torch.full((2,), float(value))
    mask = torch.ones(2, config["model_max_length"], dtype=torch.long)
    conditions = dict(mask=mask, fps=pair(job["fps"]), height=pair(job["height"]), width=pair(job["width"]))
    timestep = pair(job["timestep"])
    return guided(lambda latent, text: model(latent, timestep, text[:, None], **conditions), inputs, job)


def latte(config, weights, inputs, job):
    from diffusers import LatteTransformer3DModel

    edge = config["sample_size"]
    known = {k: v for k, v in config.items() if k != "model_max_length"}
    model = fill(
        LatteTransformer3DModel(**known | {"sample_size": edge[0] if isinstance(edge, list) else edge}), weights
    )
    timestep = torch.full((2,), job["timestep"])
    return guided(lambda latent, text: model(latent, timestep, text).sample, inputs, job)


def wan(config, weights, inputs, job):
    from diffusers import WanTransformer3DModel

    model = fill(WanTransformer3DModel(**config), weights)
    timestep = torch.full((2,), job["timestep"])
    return guided(lambda latent, text: model(latent, timestep, text).sample, inputs, job)


def ltx(config, weights, inputs, job):
    from diffusers import LTXVideoTransformer3DModel

    model = fill(LTXVideoTransformer3DModel(**config), weights)
    timestep = torch.full((2,), job["timestep"])
    frames, height, width = inputs["latent"].shape[2:]
    per_latent_frame = (job["frames"] - 1) / (frames - 1) if frames > 1 else 1
    scale = (per_latent_frame / job["fps"], job["height"] / height, job["width"] / width)

    def predict(latent, text):
        mask = torch.ones(text.shape[:2])
        tokens = latent.flatten(2).transpose(1, 2)
        prediction = model(tokens, text, timestep, mask, frames, height, width, scale).sample
        return prediction.transpose(1, 2).reshape(latent.shape)

    return guided(predict, inputs, job)


def text_encoder(name):
    def build(config, weights, inputs, _job):
        import transformers

        model = getattr(transformers, name)
        model = fill(model(model.config_class(**config, dropout_rate=0.0, tie_word_embeddings=False)), weights)
        if name == "T5EncoderModel":
            model.encoder.embed_tokens.weight = model.shared.weight
        ids = inputs["ids"].long()
        return lambda: model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state

    return build


def as_video(latent):
    return latent.transpose(0, 1)[None]


def as_frames(video):
    return video[0].transpose(0, 1)


def autoencoder_kl(config, weights, inputs, _job):
    from diffusers import AutoencoderKL

    model = fill(AutoencoderKL(down_block_types=["DownEncoderBlock2D"] * 4, **config), weights)
    return lambda: model.decode(inputs["latent"] / config["scaling_factor"]).sample


def autoencoder_kl_wan(config, weights, inputs, _job):
    from diffusers import AutoencoderKLWan

    model = fill(AutoencoderKLWan(**config), weights)
    per_channel = lambda name: torch.tensor(config[name]).view(1, -1, 1, 1, 1)
    mean, deviation = per_channel("latents_mean"), per_channel("latents_std")
    return lambda: as_frames(model.decode(as_video(inputs["latent"]) * deviation + mean).sample)


def autoencoder_kl_ltx(config, weights, inputs, _job):
    from diffusers import AutoencoderKLLTXVideo

    model = fill(AutoencoderKLLTXVideo(**config), weights)
    mean, deviation = (t.view(1, -1, 1, 1, 1) for t in (model.latents_mean, model.latents_std))
    return lambda: as_frames(model.decode(as_video(inputs["latent"]) * deviation + mean).sample)


def open_sora_vae(config, weights, inputs, job):
    import upstream_vaes

    autoencoder_kl = dict(
        down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4, latent_channels=4,
        block_out_channels=[128, 256, 512, 512], layers_per_block=2, scaling_factor=0.18215,
    )  # fmt: skip
    pipeline, pipeline_config = upstream_vaes.open_sora(checkout("ADAREEL_OPEN_SORA"), autoencoder_kl)
    config = dict(
        vae_2d=dict(type="VideoAutoencoderKL", from_pretrained="published", micro_batch_size=4),
        vae_temporal=dict(type="VAE_Temporal_SD", from_pretrained=None),
        micro_frame_size=config["micro_frame_size"], cal_loss=False, freeze_vae_2d=False,
        scale=[1.0] * 4, shift=[0.0] * 4,
    )  # fmt: skip
    model = fill(pipeline(pipeline_config(**config)), weights)
    return lambda: as_frames(model.decode(as_video(inputs["latent"]), num_frames=job["frames"]))


def causal_vae(config, weights, inputs, _job):
    import upstream_vaes

    model = upstream_vaes.open_sora_plan(checkout("ADAREEL_OPEN_SORA_PLAN"), 32)
    model = fill(model(**config), weights)
    return lambda: as_frames(model.decode(as_video(inputs["latent"]) / 0.18215))


BUILDERS = {
    "STDiT3": stdit3,
    "LatteTransformer3DModel": latte,
    "LatteT2V": latte,
    "WanTransformer3DModel": wan,
    "LTXVideoTransformer3DModel": ltx,
    "T5EncoderModel": text_encoder("T5EncoderModel"),
    "UMT5EncoderModel": text_encoder("UMT5EncoderModel"),
    "AutoencoderKL": autoencoder_kl,
    "AutoencoderKLWan": autoencoder_kl_wan,
    "AutoencoderKLLTXVideo": autoencoder_kl_ltx,
    "OpenSoraVAE_V1_2": open_sora_vae,
    "CausalVAEModel": causal_vae,
}


def milliseconds(run, count: int) -> list[float]:
    times = []
    for _ in range(count):
        began = time.perf_counter()
        run()
        times.append((time.perf_counter() - began) * 1000)
    return times


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", type=Path, required=True)
    parser.add_argument("--job", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    config = json.loads((options.part / "config.json").read_text())
    build = BUILDERS[config.pop("_class_name")]
    weights = load_file(options.part / "model.safetensors")
    inputs = load_file(options.job / "inputs.safetensors")
    try:
        run = build(config, weights, inputs, json.loads((options.job / "job.json").read_text()))
    except ImportError as error:
        sys.exit(str(error))
    del weights
    with torch.inference_mode():
        run().contiguous().numpy().tofile(options.job / "output.f32")
        print(json.dumps({"version": torch.__version__.split("+")[0]}), flush=True)
        for line in sys.stdin:
            print(json.dumps({"times": milliseconds(run, int(line))}), flush=True)


main()
