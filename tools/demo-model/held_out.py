"""Writes the prompts and the ground truth of the prompt check (tools/bench/prompts/prompts.ts).

    python tools/demo-model/held_out.py                              # models/demo/held-out-prompts.json
    python tools/demo-model/held_out.py --seed 1 --out out/dev.json  # other prompts, to look at while training
    python tools/demo-model/held_out.py --golden                     # test/golden/prompt-check/clips.json and clips.rgb.gz

The prompts describe combinations that `Scene.held_out` keeps out of training. What a prompt leaves open is null in its row:
a colour that is not said may be any. The golden clips are `scenes.render`'s, to check the detector against. Needs numpy
alone; seeded.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

import numpy as np

import scenes

ROOT = Path(__file__).parents[2]
PROMPTS = {"still": 60, "slow": 70, "fast": 90, "bounce": 40, "spin": 50, "grow": 45, "shrink": 45}
CLIPS = {"still": 10, "slow": 12, "fast": 20, "bounce": 5, "spin": 6, "grow": 4, "shrink": 4}


def attributes(scene: scenes.Scene, prompt: str) -> dict[str, object]:
    """Attributes that the prompt states, or that saying nothing means. Spinning fast counts as spinning."""
    thing = scene.things[0]
    words = prompt.rstrip(".").split()
    size = "large" if {"large", "big"} & set(words) else "small" if "small" in words else None
    motion = "spin" if thing.motion.startswith("spin") else thing.motion
    return {
        "shape": thing.shape, "colour": thing.colour if thing.colour in words else None, "background": scene.background,
        "pattern": scene.pattern, "motion": motion, "direction": thing.direction, "size": size,
        "backgroundIsSaid": scene.background in words,
    }


def draw(rng: np.random.Generator, quota: dict[str, int], held_out: bool) -> list[tuple[scenes.Scene, dict]]:
    """Draws scenes with one object: `quota` of each motion, and the directions as evenly as possible."""
    left = dict(quota)
    ways = {(m, d): (quota[m] + i) // len(scenes.DIRECTIONS) for m in scenes.TRAVEL for i, d in enumerate(scenes.DIRECTIONS)}
    chosen, prompts = [], set()
    while any(left.values()):
        scene = scenes.sample_scene(rng)
        if len(scene.things) > 1 or held_out and not scene.held_out():
            continue
        prompt = scenes.caption(rng, scene)
        said = attributes(scene, prompt)
        motion, way = said["motion"], (said["motion"], said["direction"])
        if prompt in prompts or left[motion] == 0 or ways.get(way) == 0:
            continue
        left[motion] -= 1
        if way in ways:
            ways[way] -= 1
        prompts.add(prompt)
        chosen.append((scene, {"prompt": prompt, **said}))
    return [chosen[i] for i in rng.permutation(len(chosen))]  # otherwise the rare motions would come last


def write_rows(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]\n")
    print(f"{path}: {len(rows)} rows, {path.stat().st_size} bytes")


def write_prompts(path: Path, seed: int) -> None:
    drawn = draw(np.random.default_rng([seed, 3]), PROMPTS, held_out=True)
    write_rows(path, [{"prompt": row["prompt"], "seed": i, **row} for i, (_, row) in enumerate(drawn)])


def write_golden(folder: Path, seed: int) -> None:
    """Writes frames as [clips, F, H, W, 3] bytes. Each is XORed with the one before it in its clip, to compress well."""
    drawn = draw(np.random.default_rng([seed, 2]), CLIPS, held_out=False)
    clips = np.stack([scenes.render(scene) for scene, _ in drawn])
    clips[:, 1:] ^= clips[:, :-1].copy()
    write_rows(folder / "clips.json", [row for _, row in drawn])
    packed = gzip.compress(clips.tobytes(), compresslevel=9, mtime=0)
    (folder / "clips.rgb.gz").write_bytes(packed)
    print(f"{folder / 'clips.rgb.gz'}: {len(packed)} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--golden", action="store_true", help="write the ground truth of the detector instead of the prompts")
    parser.add_argument("--out", default=ROOT / "models/demo/held-out-prompts.json", type=Path, help="file of the prompts")
    parser.add_argument("--seed", type=int, default=2026)
    args = parser.parse_args()
    if args.golden:
        write_golden(ROOT / "test/golden/prompt-check", args.seed)
    else:
        write_prompts(args.out, args.seed)


if __name__ == "__main__":
    main()
