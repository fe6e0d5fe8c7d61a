"""Draws models/demo/training.csv as models/demo/training.svg.

    python tools/demo-model/loss_curve.py models/demo
"""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 240, 48, 34, 28
STYLE = """text{font:12px system-ui,sans-serif;fill:#57606c}.h{font-weight:600;fill:#1f2937}path{fill:none}
.g{stroke:#d8dce2}.l{stroke:#1d4ed8;stroke-width:2}
@media (prefers-color-scheme:dark){text{fill:#a3acb9}.h{fill:#e5e7eb}.g{stroke:#39404b}.l{stroke:#7db0ff}}"""
TITLES = {
    "vae": "Autoencoder loss",
    "transformer": "Transformer loss (object-weighted velocity error)",
    "continued": "The same, continued on other scenes and captions",
}


def panel(title: str, points: list[tuple[int, float]], top: int) -> str:
    """Draws one curve on a logarithmic axis."""
    low, high = min(v for _, v in points) / 1.02, max(v for _, v in points) * 1.02
    last = points[-1][0]

    def x(step: float) -> float:
        return LEFT + (WIDTH - LEFT - 12) * step / last

    def y(value: float) -> float:
        return top + TOP + (HEIGHT - TOP - BOTTOM) * math.log(high / value) / math.log(high / low)

    ticks = [m * 10.0**e for e in range(-4, 3) for m in (1, 2, 5) if low <= m * 10.0**e <= high]
    lines = [f'<text class="h" x="{LEFT}" y="{top + 16}">{title}</text>']
    for value in ticks:
        lines.append(f'<path class="g" d="M{LEFT} {y(value):.1f}H{WIDTH - 12}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    for step in range(0, last + 1, max(100, last // 500 * 100)):
        lines.append(f'<text x="{x(step):.1f}" y="{top + HEIGHT - 12}" text-anchor="middle">{step}</text>')
    curve = "L".join(f"{x(step):.1f} {y(value):.1f}" for step, value in points)
    return "".join([*lines, f'<path class="l" d="M{curve}"/>'])


def draw(folder: Path) -> None:
    curves: dict[str, list[tuple[int, float]]] = {}
    with open(folder / "training.csv", newline="") as file:
        for row in csv.DictReader(file):
            curves.setdefault(row["phase"], []).append((int(row["step"]), float(row["loss"])))
    panels = [panel(TITLES[phase], points, i * HEIGHT) for i, (phase, points) in enumerate(curves.items())]
    size = f'viewBox="0 0 {WIDTH} {HEIGHT * len(panels)}" role="img" aria-label="Loss over training steps"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style>{"".join(panels)}</svg>\n'
    (folder / "training.svg").write_text(svg)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
