"""Runs the hooks of diffusers, ParaAttention and cache-dit on a stand-in transformer whose blocks add given vectors."""

import sys
import types
from pathlib import Path

import torch
from rival_signals import LATENT_SHAPE, WIDTH, rows, sparse, unit
from torch import nn


class Block(nn.Module):
    """Adds what its model says at this step."""

    def __init__(self, model, index):
        super().__init__()
        self.place = (model, index)

    def forward(self, hidden_states):
        model, index = self.place
        model.ran.append(index)
        return hidden_states + model.additions[index]


class PairBlock(Block):
    def forward(self, hidden_states, encoder_hidden_states):
        return super().forward(hidden_states), encoder_hidden_states


class Transformer(nn.Module):
    def __init__(self, block=Block, blocks=3):
        super().__init__()
        self.additions: list[torch.Tensor] = []
        self.ran: list[int] = []
        self.last = blocks - 1
        self.transformer_blocks = nn.ModuleList([block(Self(self), index) for index in range(blocks)])

    def forward(self, hidden_states):
        for block in self.transformer_blocks:
            hidden_states = block(hidden_states)
        return hidden_states


class Self:
    """Keeps nn.Module from seeing a module inside itself."""

    def __init__(self, model):
        self.__dict__["model"] = model

    def __getattr__(self, name):
        return getattr(self.__dict__["model"], name)


def hooked(apply, config) -> Transformer:
    from diffusers.hooks import HookRegistry
    from diffusers.hooks._helpers import TransformerBlockMetadata, TransformerBlockRegistry

    TransformerBlockRegistry.register(Block, TransformerBlockMetadata(return_hidden_states_index=0))
    model = Transformer()
    HookRegistry.check_if_exists_or_initialize(model)
    apply(model, config)
    return model


def drive(model: Transformer, steps: int, additions, context=lambda step: {}) -> dict:
    """Runs a hooked model; the weights are those of residuals that are 1 for their step, where there are such."""
    from diffusers.hooks.hooks import CacheContext, _set_cache_context

    computed, weights = [], {}
    with torch.no_grad():
        for step in range(steps):
            _set_cache_context(model, CacheContext("cond", **context(step)))
            model.additions = additions(step)
            model.ran.clear()
            start = torch.zeros_like(model.additions[0])
            output = model(start)
            if model.last in model.ran:
                computed.append(step)
            elif output.shape[-1] == steps:
                weights[step] = sparse(output)
    return {"computed": computed, "weights": weights} if weights else {"computed": computed}


def first_block(_: Path, case: dict, options: dict) -> dict:
    from diffusers.hooks.first_block_cache import FirstBlockCacheConfig, apply_first_block_cache

    model = hooked(apply_first_block_cache, FirstBlockCacheConfig(threshold=options["threshold"]))
    probe, other = rows(case, "probe"), torch.ones(WIDTH)
    return drive(model, case["steps"], lambda step: [probe[step], other, other])


def magcache(_: Path, case: dict, options: dict) -> dict:
    from diffusers.hooks.mag_cache import MagCacheConfig, apply_mag_cache

    config = MagCacheConfig(
        threshold=options["threshold"],
        max_skip_steps=options["maxConsecutive"],
        retention_ratio=options["warmupShare"],
        num_inference_steps=case["steps"],
        mag_ratios=torch.tensor(options["ratios"], dtype=torch.float64),
    )
    other = torch.ones(WIDTH)
    result = drive(hooked(apply_mag_cache, config), case["steps"], lambda step: [other, other, other])
    return {**result, "resampled": config.mag_ratios.tolist()}


def taylorseer(_: Path, case: dict, options: dict) -> dict:
    from diffusers.hooks.taylorseer_cache import TaylorSeerCacheConfig, apply_taylorseer_cache

    config = TaylorSeerCacheConfig(
        cache_interval=options["interval"],
        disable_cache_before_step=options["first"],
        max_order=options["order"],
        taylor_factors_dtype=torch.float64,
        cache_identifiers=[r"transformer_blocks\.2"],
    )
    model = hooked(apply_taylorseer_cache, config)
    zero = torch.zeros(case["steps"], dtype=torch.float64)
    return drive(model, case["steps"], lambda step: [zero, zero, unit(case["steps"], step)])


def seacache(_: Path, case: dict, options: dict) -> dict:
    from diffusers.hooks.sea_cache import SeaCacheConfig, apply_sea_cache

    steps, latent, now = case["steps"], rows(case, "latent"), types.SimpleNamespace(step=0)
    config = SeaCacheConfig(
        threshold=options["threshold"],
        residual_order=options["order"],
        retention_steps=options["first"],
        cache_end_steps=options["last"],
        max_consecutive_cached=options["maxConsecutive"],
        raw_vision_callback=lambda *_: [latent[now.step].reshape(LATENT_SHAPE)],
    )
    zero = torch.zeros(steps, dtype=torch.float64)

    def context(step):
        now.step = step
        return {"step_index": step, "sigma": 1 - step / steps, "num_inference_steps": steps}

    return drive(hooked(apply_sea_cache, config), steps, lambda step: [zero, zero, unit(steps, step)], context)


def sea_filter(latent: torch.Tensor, sigma: float) -> torch.Tensor:
    """Filters [C, F, H, W]."""
    from diffusers.hooks.sea_cache import _apply_sea_filter

    return _apply_sea_filter(latent.movedim(0, -1), sigma, 3.0).movedim(-1, 0)


def para_attention(root: Path, case: dict, options: dict) -> dict:
    sys.modules["para_attn"] = types.ModuleType("para_attn")
    sys.modules["para_attn"].__path__ = [str(root / "ParaAttention/src/para_attn")]
    sys.modules["para_attn.primitives"] = types.ModuleType("para_attn.primitives")
    from para_attn.first_block_cache import utils

    model = Transformer(PairBlock)
    blocks = utils.CachedTransformerBlocks(model.transformer_blocks)
    probe, other, computed = rows(case, "probe"), torch.ones(WIDTH), []
    context = utils.create_cache_context(residual_diff_threshold=options["threshold"], warmup_steps=options["warmup"])
    with utils.cache_context(context):
        for step in range(case["steps"]):
            model.additions = [probe[step], other, other]
            model.ran.clear()
            blocks(torch.zeros(WIDTH), torch.zeros(1))
            if model.last in model.ran:
                computed.append(step)
    return {"computed": computed}


def dbcache(_: Path, case: dict, options: dict) -> dict:
    from cache_dit import DBCacheConfig, ForwardPattern
    from cache_dit.caching.cache_blocks.pattern_0_1_2 import CachedBlocks_Pattern_0_1_2
    from cache_dit.caching.cache_contexts.cache_manager import CachedContextManager

    front, limit = options["blocks"], lambda value: -1 if value is None else value
    config = DBCacheConfig(
        Fn_compute_blocks=front,
        residual_diff_threshold=options["threshold"],
        max_warmup_steps=options["warmup"],
        max_continuous_cached_steps=limit(options["maxConsecutive"]),
        max_cached_steps=limit(options["maxReused"]),
        enable_separate_cfg=False,
    )
    manager = CachedContextManager(name="rivals")
    manager.new_context(name="video", cache_config=config)
    model = Transformer(PairBlock, blocks=front + 2)
    cached = CachedBlocks_Pattern_0_1_2(
        model.transformer_blocks,
        forward_pattern=ForwardPattern.Pattern_0,
        check_forward_pattern=False,
        cache_prefix="blocks",
        cache_context="video",
        context_manager=manager,
    )
    probe, zero, computed = rows(case, "probe"), torch.zeros(WIDTH), []
    for step in range(case["steps"]):
        # The front blocks add the probe together.
        model.additions = [zero] * (front - 1) + [probe[step], torch.ones(WIDTH), torch.ones(WIDTH)]
        model.ran.clear()
        cached(torch.zeros(1, 1, WIDTH), torch.zeros(1, 1, 1))
        if model.last in model.ran:
            computed.append(step)
    return {"computed": computed}
