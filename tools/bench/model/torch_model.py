"""Times one part of a model in PyTorch on request, in several forms, and writes the output of each.

    pip install torch safetensors diffusers transformers timm einops
    python tools/bench/model/torch_model.py --part MODEL/transformer --job JOB --threads 2 --forms float32 bfloat16

Started by `npm run bench -- model`, which lets it take turns with our graphs. JOB is a folder: job.json has the video
shape, the timestep and the guidance scale, and inputs.safetensors the inputs of the graph. The script writes the result of
each form to FORM.f32 in JOB and prints one line of JSON. Then it reads names of forms from stdin, one per line, runs
each once, and prints one line of JSON for each.

A form is eager float32 or bfloat16, or either of them through torch.compile. Each has the fastest of PyTorch's forms of
attention for the processor: the fused one, and the one written out. Both are timed before the start; a compiled form has that
of the eager one, because it would be compiled for each.

A step equals a computed step of the pipeline: both guidance halves in a batch of 2, then guidance. Latte, Wan, LTX-Video,
T5 and three of the autoencoders are those of diffusers and transformers. For Open-Sora-Plan's transformer the Latte class is
used, which has the same positions at 17 frames. The authors' own modules are imported from checkouts, whose folders are in
ADAREEL_OPEN_SORA (github.com/hpcaitech/Open-Sora, v1.2.0) and ADAREEL_OPEN_SORA_PLAN
(github.com/PKU-YuanGroup/Open-Sora-Plan, v1.1.0). Without the first, Open-Sora's transformer is that of
tools/demo-model/stdit3.py, which the demo model always is.
"""

import argparse
import importlib.util
import json
import os
import re
import sys
import time
import types
import warnings
from pathlib import Path

# Folder of packages that are used where this Python lacks them.
sys.path.extend(filter(None, [os.environ.get("ADAREEL_PYTHON_PACKAGES")]))

try:
    import torch
    import torch.nn.functional as F
    from safetensors.torch import load_file
    from torch.nn.attention import SDPBackend, sdpa_kernel
except ImportError as error:
    sys.exit(str(error))

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "golden"))

# Forms of attention that are tried, by device.
ATTENTION = {
    "cpu": {"fused": SDPBackend.FLASH_ATTENTION, "written": SDPBackend.MATH},
    "cuda": {
        "fused": SDPBackend.FLASH_ATTENTION,
        "cuDNN": SDPBackend.CUDNN_ATTENTION,
        "memory-efficient": SDPBackend.EFFICIENT_ATTENTION,
        "written": SDPBackend.MATH,
    },
}
FORMS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
# A form that takes longer than this many times the eager float32 one is slow.
SLOW = 4

# Buffers that follow from the configuration, and parameters used only for encoding or training.
DERIVED = re.compile(
    r"^(rope\.|y_embedder\.y_embedding|pos_embed|temp_pos_embed|encoder\.embed_tokens\.|quant_conv\."
    r"|encoder\.(conv|down|mid|norm)|(spatial_vae\.module|temporal_vae)\.(encoder|quant_conv)\.)"
)


def checkout(variable: str) -> Path:
    if variable not in os.environ:
        sys.exit(f"{variable} does not name a checkout of the authors' code")
    return Path(os.environ[variable])


def fill(model, weights: dict, job: dict):
    """Loads weights; asserts that every weight is used, and that every used parameter has a weight."""
    missing, unexpected = model.load_state_dict(weights, strict=False)
    lost = [name for name in missing if not DERIVED.match(name)]
    assert not lost and not unexpected, f"the weights do not fit: {lost[:3]} missing, {unexpected[:3]} unexpected"
    model = model.to(job["dtype"]).eval()
    if job["compiles"]:
        # Block by block, as diffusers recommends: the whole would be compiled for minutes, with each block anew.
        for blocks in model.children():
            for block in blocks if isinstance(blocks, torch.nn.ModuleList) else []:
                block.compile(dynamic=False)
    return model


def guided(predict, inputs: dict, job: dict):
    channels = inputs["latent"].shape[1]

    def step():
        both = predict(torch.cat([inputs["latent"]] * 2), inputs["text"])[:, :channels]
        conditional, unconditional = both.chunk(2)
        return unconditional + job["guidanceScale"] * (conditional - unconditional)

    return step


def own_stdit3(config, weights, inputs, job):
    path = Path(__file__).resolve().parents[2] / "demo-model" / "stdit3.py"
    name = f"stdit3_{len([name for name in sys.modules if name.startswith('stdit3_')])}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # Tables are float32; a model in bfloat16 computes in bfloat16, as the authors' does. No token is masked.
    sinusoid, positions, rotate = module.sinusoid, module.position_table, module.rotate
    module.sinusoid = lambda values: sinusoid(values).to(job["dtype"])
    module.position_table = lambda *sizes: positions(*sizes).to(job["dtype"])
    module.rotate = lambda x, *tables: rotate(x, *tables).to(job["dtype"])
    module.attend = lambda q, k, v, _mask: F.scaled_dot_product_attention(q, k, v)
    model = fill(module.STDiT3(config), weights, job)
    fps, timestep = torch.full((2,), float(job["fps"])), torch.full((2,), float(job["timestep"]))
    size = (job["height"], job["width"])
    return guided(lambda latent, text: model(latent, timestep, fps, text, None, size), inputs, job)


def stdit3(config, weights, inputs, job):
    if "ADAREEL_OPEN_SORA" not in os.environ:
        return own_stdit3(config, weights, inputs, job)
    # Replaces the authors' fused attention, which needs a GPU.
    attend = lambda q, k, v, softmax_scale, **_unused: F.scaled_dot_product_attention(
        *(t.transpose(1, 2) for t in (q, k, v)), scale=softmax_scale
    ).transpose(1, 2)
    import model_stdit3_upstream

    STDiT3, STDiT3Config = model_stdit3_upstream.load(checkout("ADAREEL_OPEN_SORA"))
    sys.modules["flash_attn"] = types.ModuleType("flash_attn")
    sys.modules["flash_attn"].flash_attn_func = attend
    model = fill(STDiT3(STDiT3Config(**config, enable_flash_attn=True)), weights, job)
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
        LatteTransformer3DModel(**known | {"sample_size": edge[0] if isinstance(edge, list) else edge}), weights, job
    )
    timestep = torch.full((2,), job["timestep"])
    return guided(lambda latent, text: model(latent, timestep, text).sample, inputs, job)


def wan(config, weights, inputs, job):
    from diffusers import WanTransformer3DModel

    model = fill(WanTransformer3DModel(**config), weights, job)
    timestep = torch.full((2,), job["timestep"])
    return guided(lambda latent, text: model(latent, timestep, text).sample, inputs, job)


def ltx(config, weights, inputs, job):
    from diffusers import LTXVideoTransformer3DModel

    model = fill(LTXVideoTransformer3DModel(**config), weights, job)
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
    def build(config, weights, inputs, job):
        import transformers

        model = getattr(transformers, name)
        model = fill(model(model.config_class(**config, dropout_rate=0.0, tie_word_embeddings=False)), weights, job)
        if name == "T5EncoderModel":
            model.encoder.embed_tokens.weight = model.shared.weight
        ids = inputs["ids"].long()
        return lambda: model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state

    return build


def as_video(latent):
    return latent.transpose(0, 1)[None]


def as_frames(video):
    return video[0].transpose(0, 1)


def autoencoder_kl(config, weights, inputs, job):
    from diffusers import AutoencoderKL

    model = fill(AutoencoderKL(down_block_types=["DownEncoderBlock2D"] * 4, **config), weights, job)
    return lambda: model.decode(inputs["latent"] / config["scaling_factor"]).sample


def autoencoder_kl_wan(config, weights, inputs, job):
    from diffusers import AutoencoderKLWan

    model = fill(AutoencoderKLWan(**config), weights, job)
    per_channel = lambda name: torch.tensor(config[name], dtype=job["dtype"]).view(1, -1, 1, 1, 1)
    mean, deviation = per_channel("latents_mean"), per_channel("latents_std")
    return lambda: as_frames(model.decode(as_video(inputs["latent"]) * deviation + mean).sample)


def autoencoder_kl_ltx(config, weights, inputs, job):
    from diffusers import AutoencoderKLLTXVideo

    model = fill(AutoencoderKLLTXVideo(**config), weights, job)
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
    model = fill(pipeline(pipeline_config(**config)), weights, job)
    return lambda: as_frames(model.decode(as_video(inputs["latent"]), num_frames=job["frames"]))


def causal_vae(config, weights, inputs, job):
    import upstream_vaes

    model = upstream_vaes.open_sora_plan(checkout("ADAREEL_OPEN_SORA_PLAN"), 32)
    model = fill(model(**config), weights, job)
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


def timed(run) -> tuple[dict, torch.Tensor]:
    """Runs once, to the end on the device. Returns milliseconds of the clock and of the processor over all threads, and the
    result."""
    wall, processor = time.perf_counter(), time.process_time()
    result = run()
    if device() == "cuda":
        torch.cuda.synchronize()
    took = {"wall": (time.perf_counter() - wall) * 1000, "processor": (time.process_time() - processor) * 1000}
    return took, result


def device() -> str:
    return torch.get_default_device().type


def with_attention(run, name: str):
    def attended():
        with sdpa_kernel([ATTENTION[device()][name]]):
            return run()

    return attended


class Form:
    """A form with its attention, the milliseconds of a run, and its result."""

    def __init__(self, run, attention: str, slow: float):
        self.attention = attention
        self.run = with_attention(run, attention)
        took, self.result = timed(self.run)
        # A slow form is not run again: the first run is longer than others by too little.
        if took["wall"] <= slow:
            took, self.result = timed(self.run)
        self.milliseconds = took["wall"]


class Forms:
    """Forms of one part of a model. Failures of a form are sentences."""

    def __init__(self, make, job_folder: Path):
        self.make, self.folder = make, job_folder
        self.eager: dict[str, Form] = {}
        self.ready: dict[str, Form] = {}

    def slow(self) -> float:
        """Milliseconds from which a form is slow, by the eager float32 one."""
        return SLOW * self.eager["float32"].milliseconds if "float32" in self.eager else float("inf")

    def eager_of(self, dtype: str) -> Form:
        if dtype in self.eager:
            return self.eager[dtype]
        run = self.make(FORMS[dtype], compiles=False)
        tried, problem = [], None
        for attention in ATTENTION[device()]:
            try:
                tried.append(Form(run, attention, self.slow()))
            except RuntimeError as error:
                problem = error
                continue
            if tried[-1].milliseconds > self.slow():
                break
        if not tried:
            raise problem
        self.eager[dtype] = min(tried, key=lambda form: form.milliseconds)
        return self.eager[dtype]

    def form_of(self, name: str) -> Form:
        dtype = name.split(" ")[-1]
        eager = self.eager_of(dtype)
        if name == dtype:
            return eager
        if eager.milliseconds > self.slow():
            raise RuntimeError(f"eager {dtype} takes more than {SLOW} times as long as float32 on this processor")
        run = self.make(FORMS[dtype], compiles=True)
        with_attention(run, eager.attention)()
        return Form(run, eager.attention, self.slow())

    def prepare(self, name: str) -> dict:
        held = torch.cuda.memory_allocated() if device() == "cuda" else 0
        if device() == "cuda":
            torch.cuda.reset_peak_memory_stats()
        try:
            form = self.ready[name] = self.form_of(name)
        except ImportError as error:
            sys.exit(str(error))
        except Exception as error:  # noqa: BLE001 - what a compiler or a kernel lacks is part of the result
            return {"form": name, "problem": (str(error).strip() or type(error).__name__).split("\n")[0][:200]}
        form.result.float().cpu().contiguous().numpy().tofile(self.folder / f"{name}.f32")
        memory = torch.cuda.max_memory_allocated() - held if device() == "cuda" else None
        return {"form": name, "attention": form.attention, "milliseconds": form.milliseconds, "memory": memory}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", type=Path, required=True)
    parser.add_argument("--job", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--forms", nargs="+", required=True)
    parser.add_argument("--device", choices=list(ATTENTION), default="cpu")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_default_device(options.device)
    torch.set_num_threads(options.threads)
    config = json.loads((options.part / "config.json").read_text())
    build = BUILDERS[config.pop("_class_name", None) or config["architectures"][0]]
    weights = load_file(next(options.part.glob("*.safetensors")))
    inputs = load_file(options.job / "inputs.safetensors")
    job = json.loads((options.job / "job.json").read_text())

    def make(dtype, compiles):
        cast = {name: t.to(options.device, dtype if t.is_floating_point() else None) for name, t in inputs.items()}
        return build(dict(config), weights, cast, job | {"dtype": dtype, "compiles": compiles})

    with torch.inference_mode():
        forms = Forms(make, options.job)
        prepared = [forms.prepare(form) for form in options.forms]
        print(json.dumps({"version": torch.__version__.split("+")[0], "forms": prepared}), flush=True)
        for line in sys.stdin:
            print(json.dumps(timed(forms.ready[line.strip()].run)[0]), flush=True)


main()
