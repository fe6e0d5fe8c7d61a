#!/usr/bin/env bash
# diffusers: the autoencoder of HunyuanVideo decodes in overlapping pieces of time, also where tiling is off.
#
# Expected: `vae.enable_tiling()` trades exactness for memory, and is off at first: `use_tiling` is false. `decode` is then
# the decoder, run on the whole latent, as it is in the autoencoders of Mochi, LTX-Video, LTX-2 and Cosmos.
#
# What happens: `AutoencoderKLHunyuanVideo.__init__` sets `use_framewise_decoding` to true, where the others set it to
# false. A latent of more than 4 frames (16 frames of video) goes through `_temporal_tiled_decode`: pieces of 5 latent
# frames, of which each starts the causal decoder anew, blended over 4 frames. `disable_tiling` does not end it. The
# comment says that it saves memory for long videos; 17 frames are less than a second. A video of up to 13 frames is exact.
#
# Why it matters: with a short video a port, an exported decoder, or a decoder that streams agrees to rounding, and with a
# real one it does not, from the 15th frame on or, as norms span all frames of a piece, from the first. A seam comes every
# 12 frames. Set `vae.use_framewise_decoding = False` for the exact decoder where memory allows, in the reference as
# well. Encoding has the same switch.
#
# Versions: diffusers 0.42.1, torch 2.15.0, numpy 2.4.6; Python 3.11.7.
# Date: 2026-12-01
# Needs: python3 (3.11 to 3.13) with venv; 8 GB of disk on Linux x86-64, where torch brings libraries for GPUs. The
# check itself takes seconds. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.15.0 numpy==2.4.6 diffusers==0.42.1

cat >check.py <<'PYTHON'
import logging
import platform
import sys
import warnings
from importlib.metadata import version

import diffusers
import torch

torch.set_num_threads(1)
warnings.simplefilter("ignore")
changed, logged = [], []
handler = logging.Handler(logging.WARNING)
handler.emit = lambda record: logged.append(record.getMessage())
logging.getLogger("diffusers").addHandler(handler)
packages = ", ".join(f"{name} {version(name)}" for name in ["diffusers", "torch", "numpy"])
print(f"{packages}, Python {platform.python_version()}\n")

print(f"{'as it is made':32}use_tiling  use_framewise_decoding")
for name, framewise in [
    ("AutoencoderKLHunyuanVideo", True),
    ("AutoencoderKLMochi", False),
    ("AutoencoderKLLTXVideo", False),
    ("AutoencoderKLLTX2Video", False),
    ("AutoencoderKLCosmos", False),
]:
    with torch.device("meta"):
        model = getattr(diffusers, name)()
    found = (model.use_tiling, model.use_framewise_decoding)
    print(f"{name:32}{str(found[0]):12}{found[1]}")
    if found != (False, framewise):
        changed.append(f"{name}: use_tiling and use_framewise_decoding are {found}")

torch.manual_seed(0)
vae = diffusers.AutoencoderKLHunyuanVideo(
    latent_channels=4, block_out_channels=(8, 8, 8, 8), norm_num_groups=4, layers_per_block=1
).eval()
vae.disable_tiling()
print("\ntiny AutoencoderKLHunyuanVideo after disable_tiling(): largest difference to the whole decoder")
print("latent frames  frames  difference / deviation of the pixels  calls of the decoder")
for latent_frames, pieces in [(1, 1), (3, 1), (4, 1), (5, 2), (9, 3), (13, 5)]:
    latent = torch.randn(1, 4, latent_frames, 4, 4)
    calls = []
    counter = vae.decoder.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        vae.use_framewise_decoding = True
        usual = vae.decode(latent).sample
        counter.remove()
        vae.use_framewise_decoding = False
        whole = vae.decode(latent).sample
    difference = ((usual - whole).abs().max() / whole.std()).item()
    print(f"{latent_frames:<15}{whole.shape[2]:<8}{difference:<38.2f}{len(calls)}")
    if len(calls) != pieces or (difference > 0.5) != (pieces > 1) or usual.shape != whole.shape:
        changed.append(f"{latent_frames} latent frames: {len(calls)} pieces, difference {difference:.2f}")
if logged:
    changed.append(f"something is logged: {logged[0]}")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
