#!/usr/bin/env bash
# diffusers: `qk_norm` of WanTransformer3DModel changes nothing, whatever it says.
#
# Expected: the member decides how queries and keys are normalised: `rms_norm_across_heads` in Wan's folders, None for
# no normalisation. A value that the class does not implement is an error, as it is in LTXVideoTransformer3DModel.
#
# What happens: the class stores the member and never reads it. None, `layer_norm` and a name that does not exist give
# the same layers, the same names of weights (`norm_q`, `norm_k`) and the same numbers.
#
# Why it matters: a folder whose config says `qk_norm: null` was trained with the norms all the same, since its author
# trained with this class. A reader that follows the config leaves two weights of every attention unused. Adareel
# builds the norms whatever the member says.
#
# Versions: diffusers 0.42.1, torch 2.15.0, numpy 2.4.6; Python 3.11.7.
# Date: 2026-11-30
# Needs: python3 (3.11 to 3.13) with venv; 8 GB of disk on Linux x86-64, where torch brings libraries for GPUs. The
# check itself takes seconds. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.15.0 numpy==2.4.6 diffusers==0.42.1

cat >check.py <<'PYTHON'
import platform
import sys
import warnings
from importlib.metadata import version

import torch
from diffusers import LTXVideoTransformer3DModel, WanTransformer3DModel

torch.set_num_threads(1)
warnings.simplefilter("ignore")
changed = []
packages = ", ".join(f"{name} {version(name)}" for name in ["diffusers", "torch", "numpy"])
print(f"{packages}, Python {platform.python_version()}\n")

def wan(**settings):
    torch.manual_seed(0)
    model = WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=4, out_channels=4, text_dim=10, freq_dim=16,
        ffn_dim=40, num_layers=2, **settings,
    ).eval()  # fmt: skip
    for parameter in model.parameters():
        parameter.data.copy_(0.3 * torch.randn_like(parameter))
    latent, text = torch.randn(1, 4, 2, 4, 4), torch.randn(1, 512, 10)
    with torch.no_grad():
        prediction = model(latent, torch.tensor([500]), text, return_dict=False)[0]
    return sorted(model.state_dict()), prediction


names, prediction = wan()
print("weights of the norms by default:", [name for name in names if "blocks.0.attn1.norm" in name])
for value in (None, "layer_norm", "no_such_norm"):
    others, other = wan(qk_norm=value)
    same = others == names and torch.equal(prediction, other)
    print(f"qk_norm={value!r}: {'same weights, same prediction' if same else 'another model'}")
    if not same:
        changed.append(f"qk_norm={value!r} makes another model")
try:
    size = {"num_attention_heads": 2, "attention_head_dim": 16, "cross_attention_dim": 32}
    LTXVideoTransformer3DModel(**size, qk_norm="no_such_norm")
    changed.append("LTXVideoTransformer3DModel takes any qk_norm")
except NotImplementedError as error:
    print(f"LTXVideoTransformer3DModel, qk_norm='no_such_norm': {error}")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
