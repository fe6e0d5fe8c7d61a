"""The authors' video autoencoders, imported from checkouts of github.com/hpcaitech/Open-Sora (tag v1.2.0) and
github.com/PKU-YuanGroup/Open-Sora-Plan (tag v1.1.0).

Their packages need training frameworks only to be imported; the stand-ins below are the smallest that let the modules run
on a CPU, and none of them computes. Both packages are called opensora: a process can load one of them.
"""

import sys
import types
from pathlib import Path

import torch


def _module(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
    return module


def _package(checkout: Path, name: str) -> None:
    """Creates a package without running its __init__.py."""
    _module(name).__path__ = [str(checkout.joinpath(*name.split(".")))]


def _unavailable(*_args, **_kwargs):
    raise RuntimeError("not part of the reference run")


class _Registry:
    """Registry that builds the class registered under the type of a configuration."""

    def __init__(self):
        self.members = {}

    def register_module(self, name=None):
        return lambda member: self.members.setdefault(name or member.__name__, member)

    def build(self, config, _registry):
        arguments = dict(config)
        return self.members[arguments.pop("type")](**arguments)


def open_sora(checkout: Path, autoencoder_kl: dict):
    """Returns (VideoAutoencoderPipeline, VideoAutoencoderPipelineConfig), whose 2-D autoencoder is made of a configuration
    instead of the files its name stands for."""
    import diffusers.models

    class AutoencoderKL(diffusers.models.AutoencoderKL):
        @classmethod
        def from_pretrained(cls, *_args, **_kwargs):
            return cls.from_config(autoencoder_kl)

    registry = _Registry()
    diffusers.models.AutoencoderKL = AutoencoderKL
    for name in ("opensora", "opensora.models", "opensora.models.vae", "opensora.utils"):
        _package(checkout, name)
    _module("opensora.registry", MODELS=registry, build_module=registry.build)
    _module("opensora.utils.ckpt_utils", load_checkpoint=_unavailable)
    from opensora.models.vae import vae, vae_temporal

    del vae_temporal  # imported for the classes it registers
    return vae.VideoAutoencoderPipeline, vae.VideoAutoencoderPipelineConfig


def open_sora_plan(checkout: Path, groups: int):
    """Returns CausalVAEModel, with normalisations over `groups` groups instead of the fixed 32."""
    _module("pytorch_lightning", LightningModule=type("LightningModule", (torch.nn.Module,), {}))
    for name in ("opensora", "opensora.models", "opensora.models.ae", "opensora.models.ae.videobase"):
        _package(checkout, name)
    videobase = "opensora.models.ae.videobase"
    _package(checkout, f"{videobase}.causal_vae")
    _module(f"{videobase}.losses", LPIPSWithDiscriminator=lambda **_kwargs: None)
    from opensora.models.ae.videobase.modules import normalize

    normalize.Normalize.__defaults__ = (groups,)
    from opensora.models.ae.videobase.causal_vae.modeling_causalvae import CausalVAEModel

    return CausalVAEModel
