"""Writes test/golden/config-members.json: what each member of a configuration does to the result of the reference.

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 numpy==2.4.6
    python tools/golden/config_members.py

Every member of the signature of every class that is read is changed to other legal values, one at a time. The script fails
if a class has a member that TRIED does not name. Weights, latents and predictions are made from names and indices by
`formula`, which the test computes too, so that no weights are stored. `same`: the result is that of the base
configuration. `changed`: it is the one in `samples`. `refused`: the reference cannot be used so. Two runs write the same
bytes.
"""

import inspect
import json
import math
import warnings
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLTemporalDecoder,
    AutoencoderKLWan,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    LatteTransformer3DModel,
    PNDMScheduler,
    UniPCMultistepScheduler,
    WanTransformer3DModel,
)
from transformers import T5Config, T5EncoderModel, UMT5Config, UMT5EncoderModel

TARGET = Path(__file__).parents[2] / "test/golden/config-members.json"
SAMPLES = 12
STEPS = 4
TOKENS = 1000
SHAPE = (1, 4, 2, 2)
FRAMES, HEIGHT, WIDTH = 3, 4, 6
TEXT = 5
IDS = [5, 3, 9, 2, 1]
TEXT_LENGTH = 7


def formula(name: str, count: int) -> np.ndarray:
    """Values in -1..1: the finaliser of MurmurHash3 over index and FNV-1a of the name."""
    seed = 2166136261
    for byte in name.encode():
        seed = ((seed ^ byte) * 16777619) & 0xFFFFFFFF
    x = (np.arange(count, dtype=np.uint64) * 0x9E3779B9 + seed) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = ((x ^ (x >> shift)) * factor) & 0xFFFFFFFF
    x ^= x >> 16
    return x.astype(np.float64) / 2**31 - 1


def weight(name: str, shape: torch.Size) -> torch.Tensor:
    """Vectors that end in `weight` are near 1, other vectors near 0, and matrices give outputs of about unit size."""
    values = formula(name, shape.numel())
    if len(shape) == 1:
        values = 1 + values / 10 if name.endswith("weight") else values * 0.3
    else:
        values = values * math.sqrt(3 / (shape.numel() / shape[0]))
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def tensor(name: str, *shape: int) -> torch.Tensor:
    return torch.from_numpy(formula(name, math.prod(shape)).astype(np.float32)).reshape(shape)


def filled(module: torch.nn.Module) -> torch.nn.Module:
    for name, parameter in module.named_parameters():
        parameter.data.copy_(weight(name, parameter.shape))
    return module.eval()


def dynamic_shift(config: dict) -> float:
    """The shift of a video of TOKENS tokens, as the pipelines compute it from the scheduler's configuration."""
    usual = {"base_shift": 0.5, "max_shift": 1.15, "base_image_seq_len": 256, "max_image_seq_len": 4096} | config
    tokens, shift = (usual["base_image_seq_len"], usual["max_image_seq_len"]), (usual["base_shift"], usual["max_shift"])
    return shift[0] + (TOKENS - tokens[0]) * (shift[1] - shift[0]) / (tokens[1] - tokens[0])


def scheduled(cls):
    def run(config: dict) -> torch.Tensor:
        scheduler = cls(**config)
        # Dynamic shifting needs what a pipeline computes from the number of tokens.
        shift = {"mu": dynamic_shift(config)} if cls is FlowMatchEulerDiscreteScheduler else {}
        scheduler.set_timesteps(STEPS, **shift)
        latent = tensor("latent", *SHAPE) * 2
        timesteps = scheduler.timesteps
        for index, timestep in enumerate(timesteps):
            latent = scheduler.step(tensor(f"prediction.{index}", *SHAPE), timestep, latent).prev_sample
        return torch.cat([latent.flatten(), timesteps.to(torch.float32) / 1000])

    return run


def latte(config: dict) -> torch.Tensor:
    model = filled(LatteTransformer3DModel(**config))
    latent = tensor("latent", 1, config["in_channels"], config["video_length"], HEIGHT, WIDTH)
    text = tensor("text", 1, TEXT, config["caption_channels"])
    timestep = torch.tensor([487])
    out = model(latent, timestep, encoder_hidden_states=text, enable_temporal_attentions=True).sample
    return out[:, : config["in_channels"]]


def wan(config: dict) -> torch.Tensor:
    model = filled(WanTransformer3DModel(**config))
    frames, height, width = [size * 2 for size in config["patch_size"]]
    latent = tensor("latent", 1, config["in_channels"], frames, height, width)
    text = torch.zeros(1, 512, config["text_dim"])
    text[:, :TEXT] = tensor("text", 1, TEXT, config["text_dim"])
    # A model with layers for an image is used without one, as from text.
    return model(latent, torch.tensor([487]), encoder_hidden_states=text).sample


def kl(config: dict) -> torch.Tensor:
    model = filled(AutoencoderKL(**config))
    z = tensor("latent", 2, config["latent_channels"], HEIGHT, WIDTH)
    return model.decode(z / model.config.scaling_factor + (model.config.shift_factor or 0)).sample


def temporal(config: dict) -> torch.Tensor:
    model = filled(AutoencoderKLTemporalDecoder(**config))
    z = tensor("latent", 3, config["latent_channels"], HEIGHT, WIDTH)
    return model.decode(z / model.config.scaling_factor, num_frames=3).sample


def wan_vae(config: dict) -> torch.Tensor:
    model = filled(AutoencoderKLWan(**config))
    channels = config["z_dim"]
    z = tensor("latent", 1, channels, FRAMES, HEIGHT, WIDTH)
    per_channel = lambda values: torch.tensor(values).view(1, channels, 1, 1, 1)
    z = z * per_channel(model.config.latents_std) + per_channel(model.config.latents_mean)
    # Decoding clamps to -1..1, as the conversion to pixels does.
    return model.decode(z).sample[0].transpose(0, 1)


def t5(config_class, model_class):
    def run(config: dict) -> torch.Tensor:
        model = filled(model_class(config_class(**config, attn_implementation="eager")))
        ids = torch.zeros(1, TEXT_LENGTH, dtype=torch.long)
        ids[0, : len(IDS)] = torch.tensor(IDS)
        mask = (torch.arange(TEXT_LENGTH) < len(IDS)).long()[None]
        return model(input_ids=ids, attention_mask=mask).last_hidden_state[:, : len(IDS)]

    return run


BETAS = {
    "num_train_timesteps": [500], "beta_start": [0.001], "beta_end": [0.03],
    "beta_schedule": ["scaled_linear", "squaredcos_cap_v2"], "trained_betas": [[0.01] * 1000],
    "steps_offset": [1], "timestep_spacing": ["trailing", "linspace"],
}  # fmt: skip
THRESHOLD = {"thresholding": [True], "dynamic_thresholding_ratio": [0.9], "sample_max_value": [2.0]}
OTHER_SIGMAS = {"use_karras_sigmas": [True], "use_exponential_sigmas": [True], "use_beta_sigmas": [True]}
T5_MEMBERS = {
    "vocab_size": [14], "d_model": [8], "d_kv": [4], "d_ff": [12], "num_layers": [1], "num_decoder_layers": [1],
    "num_heads": [3], "relative_attention_num_buckets": [4], "relative_attention_max_distance": [20],
    "dropout_rate": [0.5], "layer_norm_epsilon": [0.05], "initializer_factor": [2.0],
    "feed_forward_proj": ["relu", "gated-silu", "gated-gelu_new"], "is_encoder_decoder": [False],
    "use_cache": [False], "pad_token_id": [2], "eos_token_id": [2], "decoder_start_token_id": [2],
    "classifier_dropout": [0.5], "is_decoder": [True], "tie_word_embeddings": [False],
}  # fmt: skip
T5_BASE = dict(
    vocab_size=12, d_model=12, d_kv=6, d_ff=20, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu",
    relative_attention_num_buckets=8, relative_attention_max_distance=8, layer_norm_epsilon=1e-6,
)  # fmt: skip
LATTE_BASE = dict(
    num_attention_heads=2, attention_head_dim=8, in_channels=4, out_channels=8, num_layers=2, cross_attention_dim=16,
    attention_bias=True, sample_size=8, patch_size=2, activation_fn="gelu-approximate", num_embeds_ada_norm=1000,
    norm_type="ada_norm_single", norm_elementwise_affine=False, norm_eps=1e-6, caption_channels=12, video_length=3,
)  # fmt: skip
WAN_BASE = dict(
    patch_size=[1, 2, 2], num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=4, text_dim=10,
    freq_dim=16, ffn_dim=20, num_layers=2, cross_attn_norm=True, qk_norm="rms_norm_across_heads", eps=1e-6,
    rope_max_seq_len=32,
)  # fmt: skip
KL_BASE = dict(
    down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2, latent_channels=4,
    block_out_channels=[8, 12], layers_per_block=1, norm_num_groups=4, scaling_factor=0.5,
)  # fmt: skip
TEMPORAL_BASE = dict(
    down_block_types=["DownEncoderBlock2D"], latent_channels=4, block_out_channels=[32], layers_per_block=2,
    scaling_factor=0.5,
)  # fmt: skip
WAN_VAE_BASE = dict(
    base_dim=4, z_dim=4, dim_mult=[1, 2], num_res_blocks=1, temperal_downsample=[True], latents_mean=[0.1, -0.2, 0.3, 0],
    latents_std=[1.5, 2, 1, 0.5],
)  # fmt: skip

TRIED = [
    ("scheduler", DDIMScheduler, scheduled(DDIMScheduler), {"clip_sample": False}, BETAS | THRESHOLD | {
        "clip_sample": [True], "clip_sample_range": [0.5], "set_alpha_to_one": [False],
        "prediction_type": ["v_prediction", "sample"], "rescale_betas_zero_snr": [True],
    }),
    ("scheduler", DDIMScheduler, scheduled(DDIMScheduler), {"clip_sample": True}, {
        **{member: [] for member in {**BETAS, **THRESHOLD}}, "clip_sample": [False], "clip_sample_range": [0.5, 3.0],
        "set_alpha_to_one": [False], "prediction_type": [], "rescale_betas_zero_snr": [],
    }),
    ("scheduler", PNDMScheduler, scheduled(PNDMScheduler), {}, BETAS | {
        "skip_prk_steps": [True], "set_alpha_to_one": [True], "prediction_type": ["v_prediction"],
    }),
    ("scheduler", UniPCMultistepScheduler, scheduled(UniPCMultistepScheduler),
     {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 3.0}, BETAS | THRESHOLD | OTHER_SIGMAS | {
        "solver_order": [1, 3], "prediction_type": ["epsilon", "sample", "v_prediction"], "predict_x0": [False],
        "solver_type": ["bh1"], "lower_order_final": [False], "disable_corrector": [[0, 1]], "solver_p": [],
        "use_flow_sigmas": [False], "flow_shift": [1.0, 7.0], "final_sigmas_type": ["sigma_min"],
        "rescale_betas_zero_snr": [True], "use_dynamic_shifting": [True], "time_shift_type": [], "sigma_min": [0.1],
        "sigma_max": [0.8], "shift_terminal": [0.1],
    }),
    ("scheduler", FlowMatchEulerDiscreteScheduler, scheduled(FlowMatchEulerDiscreteScheduler), {"shift": 3.0}, OTHER_SIGMAS | {
        "num_train_timesteps": [500], "shift": [1.0, 7.0], "use_dynamic_shifting": [True], "base_shift": [0.7],
        "max_shift": [2.0], "base_image_seq_len": [128], "max_image_seq_len": [2048], "invert_sigmas": [True],
        "shift_terminal": [0.1], "time_shift_type": ["linear"], "stochastic_sampling": [],
    }),
    ("scheduler", FlowMatchEulerDiscreteScheduler, scheduled(FlowMatchEulerDiscreteScheduler), {"use_dynamic_shifting": True}, {
        **{member: [] for member in OTHER_SIGMAS}, "num_train_timesteps": [500], "shift": [7.0],
        "use_dynamic_shifting": [False], "base_shift": [0.7], "max_shift": [2.0], "base_image_seq_len": [128],
        "max_image_seq_len": [2048], "invert_sigmas": [], "shift_terminal": [0.1], "time_shift_type": ["linear"],
        "stochastic_sampling": [],
    }),
    ("transformer", LatteTransformer3DModel, latte, LATTE_BASE, {
        "num_attention_heads": [3], "attention_head_dim": [12], "in_channels": [8], "out_channels": [4, None],
        "num_layers": [1], "dropout": [0.5], "cross_attention_dim": [12, None], "attention_bias": [False],
        "sample_size": [16], "patch_size": [1], "activation_fn": ["geglu", "gelu"], "num_embeds_ada_norm": [10, None],
        "norm_type": ["layer_norm"], "norm_elementwise_affine": [True], "norm_eps": [0.01], "caption_channels": [10],
        "video_length": [2],
    }),
    ("transformer", WanTransformer3DModel, wan, WAN_BASE, {
        "patch_size": [[1, 1, 2]], "num_attention_heads": [3], "attention_head_dim": [18], "in_channels": [6],
        "out_channels": [6, None], "text_dim": [8], "freq_dim": [20], "ffn_dim": [12], "num_layers": [1],
        "cross_attn_norm": [False], "qk_norm": [None], "eps": [0.01], "image_dim": [6], "added_kv_proj_dim": [24],
        "rope_max_seq_len": [16], "pos_embed_seq_len": [5],
    }),
    ("decoder", AutoencoderKL, kl, KL_BASE, {
        "in_channels": [4], "out_channels": [4], "down_block_types": [["AttnDownEncoderBlock2D", "DownEncoderBlock2D"]],
        "up_block_types": [["UpDecoderBlock2D", "AttnUpDecoderBlock2D"]], "block_out_channels": [[8, 16]],
        "layers_per_block": [2], "act_fn": ["relu"], "latent_channels": [6], "norm_num_groups": [2],
        "sample_size": [64], "scaling_factor": [0.18215], "shift_factor": [0.25], "latents_mean": [[0.1, 0.2, 0.3, 0.4]],
        "latents_std": [[1.0, 2.0, 3.0, 4.0]], "force_upcast": [False], "use_quant_conv": [False],
        "use_post_quant_conv": [False], "mid_block_add_attention": [False],
    }),
    ("decoder", AutoencoderKLTemporalDecoder, temporal, TEMPORAL_BASE, {
        "in_channels": [4], "out_channels": [4], "down_block_types": [["AttnDownEncoderBlock2D"]],
        "block_out_channels": [[64]], "layers_per_block": [1, 3], "latent_channels": [6], "sample_size": [64],
        "scaling_factor": [0.18215], "force_upcast": [False],
    }),
    ("decoder", AutoencoderKLWan, wan_vae, WAN_VAE_BASE, {
        "base_dim": [6], "decoder_base_dim": [6], "z_dim": [], "dim_mult": [[1, 3]], "num_res_blocks": [2],
        "attn_scales": [[1.0]], "temperal_downsample": [[False]], "dropout": [0.5], "latents_mean": [[0.0, 0.1, 0.2, 0.3]],
        "latents_std": [[1.0, 1.1, 1.2, 1.3]], "is_residual": [True], "in_channels": [4], "out_channels": [4],
        "patch_size": [2], "scale_factor_temporal": [2], "scale_factor_spatial": [4],
    }),
    ("text encoder", T5EncoderModel, t5(T5Config, T5EncoderModel), T5_BASE, T5_MEMBERS),
    ("text encoder", UMT5EncoderModel, t5(UMT5Config, UMT5EncoderModel), T5_BASE, T5_MEMBERS),
]  # fmt: skip

# Members that every configuration of transformers has, and that no encoder reads.
CONFIG_CLASSES = {T5EncoderModel: T5Config, UMT5EncoderModel: UMT5Config}


def members(cls) -> set[str]:
    if cls not in CONFIG_CLASSES:
        return {name for name in inspect.signature(cls.__init__).parameters if name not in ("self", "kwargs")}
    config_class = CONFIG_CLASSES[cls]
    return {name for name in vars(config_class)["__annotations__"]} | {"tie_word_embeddings"}


def outcome(run, config: dict) -> torch.Tensor | None:
    try:
        with torch.no_grad():
            out = run(config).flatten().double()
        return out if torch.isfinite(out).all() else None
    except (ValueError, TypeError, RuntimeError, KeyError, NotImplementedError, AttributeError, IndexError, AssertionError, ImportError):
        return None


def samples(out: torch.Tensor) -> list[float]:
    stride = max(1, out.numel() // SAMPLES)
    return [float(f"{value:.7g}") for value in out[::stride][:SAMPLES].tolist()]


def main() -> None:
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    runs = []
    for role, cls, run, base, tried in TRIED:
        unnamed, unknown = members(cls) - set(tried), set(tried) - members(cls)
        # The two configurations of T5 do not have all members in common.
        if unnamed or (unknown and cls not in CONFIG_CLASSES):
            raise SystemExit(f"{cls.__name__}: not tried {sorted(unnamed)}, unknown {sorted(unknown)}")
        expected = outcome(run, base)
        assert expected is not None, cls
        changes = []
        for member, values in tried.items():
            for value in values if member in members(cls) else []:
                out = outcome(run, {**base, member: value})
                change = {"member": member, "value": value}
                if out is None:
                    change["result"] = "refused"
                elif out.shape == expected.shape and torch.equal(out, expected):
                    change["result"] = "same"
                else:
                    change |= {"result": "changed", "count": out.numel(), "samples": samples(out)}
                changes.append(change)
        runs.append({
            "role": role, "className": cls.__name__, "base": base, "count": expected.numel(), "samples": samples(expected),
            "changes": changes,
        })  # fmt: skip
        print(cls.__name__, len(changes), {r: [c["member"] for c in changes if c["result"] == r] for r in ("same", "refused")})
    header = {"source": "diffusers 0.42.1, transformers 5.23.0", "command": "python tools/golden/config_members.py"}
    lines = ",\n".join(json.dumps(run) for run in runs)
    TARGET.write_text(json.dumps(header)[:-1] + ', "runs": [\n' + lines + "\n]}\n")
    print(TARGET.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
