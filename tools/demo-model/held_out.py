"""Writes the prompts and the ground truth of the prompt check (tools/bench/prompts/prompts.ts).

    python tools/demo-model/held_out.py             # models/demo/held-out-prompts.json
    python tools/demo-model/held_out.py --golden    # test/golden/prompt-check/clips.json and clips.rgb.gz

The prompts describe combinations that `Scene.held_out` keeps out of training. A wording that leaves something open ("moves
left", "over blue stripes") would also describe a combination that was trained on, so every prompt names its speed and the
direction of its stripes. The golden clips are `scenes.render`'s, to check the detector against. Needs numpy alone; seeded.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

import numpy as np

import scenes

ROOT = Path(__file__).parents[2]
PROMPTS = {"still": 30, "slow": 50, "fast": 70, "bounce": 20, "spin": 10, "grow": 10, "shrink": 10}
CLIPS = {"still": 10, "slow": 12, "fast": 20, "bounce": 5, "spin": 6, "grow": 4, "shrink": 4}


def attributes(scene: scenes.Scene, prompt: str) -> dict[str, str | None]:
    """Attributes that the prompt states. A size that is not mentioned is None; spinning fast counts as spinning."""
    thing = scene.things[0]
    words = prompt.split()
    size = "large" if {"large", "big"} & set(words) else "small" if "small" in words else None
    motion = "spin" if thing.motion.startswith("spin") else thing.motion
    return {
        "shape": thing.shape, "colour": thing.colour, "background": scene.background, "pattern": scene.pattern,
        "motion": motion, "direction": thing.direction, "size": size,
    }


def is_definite(scene: scenes.Scene, prompt: str) -> bool:
    """Returns true if the prompt names the speed of a travelling object and the direction of stripes."""
    words = set(prompt.split())
    if scene.things[0].motion in scenes.TRAVEL and not words & {"slowly", "fast", "quickly"}:
        return False
    return "stripes" not in words or bool(words & {"vertical", "horizontal"})


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
        if prompt in prompts or not is_definite(scene, prompt) or left[motion] == 0 or ways.get(way) == 0:
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
    drawn = draw(np.random.default_rng([seed, 1]), PROMPTS, held_out=True)
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
    parser.add_argument("--seed", type=int, default=2026)
    args = parser.parse_args()
    if args.golden:
        write_golden(ROOT / "test/golden/prompt-check", args.seed)
    else:
        write_prompts(ROOT / "models/demo/held-out-prompts.json", args.seed)


if __name__ == "__main__":
    main()
