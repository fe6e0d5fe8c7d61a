"""Scenes the demo model learns: one or two moving shapes over a background, with a caption.

A scene is plain data (`Scene`), drawn by `render` and described by `caption`. Everything is a function of a
`numpy.random.Generator`, so a seed gives the same clips on every machine.

Units: pixels and frames; the canvas is SIZE x SIZE, x to the right and y down, clips have FRAMES frames at FPS.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

SIZE, FRAMES, FPS = 64, 16, 8

COLOURS = {
    "red": (214, 40, 40),
    "green": (38, 160, 70),
    "blue": (45, 90, 220),
    "yellow": (245, 208, 50),
    "purple": (142, 58, 186),
    "orange": (244, 126, 36),
    "white": (240, 240, 240),
    "black": (28, 28, 34),
}
SHAPES = ("circle", "square", "triangle", "ring", "cross")
VIVID = ("red", "green", "blue", "purple", "orange")  # colours of objects whose colour is not said
# Shares of the training data. What is hard to learn is more frequent: crosses, rings, and motions that are not travel.
SHAPES_DRAWN = {"circle": 0.14, "square": 0.22, "triangle": 0.18, "ring": 0.22, "cross": 0.24}
PATTERNS = {"plain": 0.48, "vertical stripes": 0.16, "horizontal stripes": 0.12, "checkerboard": 0.09, "gradient": 0.15}
DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
MOTIONS = {"still": 0.17, "slow": 0.17, "fast": 0.24, "bounce": 0.08, "spin": 0.10, "spin fast": 0.06, "grow": 0.09, "shrink": 0.09}
UNSAID_BACKGROUND = 0.18  # share of scenes whose background is what an unsaid one means
SIZES = {"small": (7.0, 8.5), "medium": (9.5, 11.5), "large": (12.5, 15.0)}
TRAVEL = {"slow": (10.0, 14.0), "fast": (28.0, 38.0)}  # pixels over the whole clip
TWO_OBJECTS = 0.06


@dataclass(frozen=True)
class Thing:
    """One object: its appearance, and its state in every frame."""

    shape: str
    colour: str
    size: str
    motion: str
    direction: str | None
    centre: np.ndarray = field(repr=False)  # [FRAMES, 2], x and y
    radius: np.ndarray = field(repr=False)  # [FRAMES]
    angle: np.ndarray = field(repr=False)  # [FRAMES], radians


@dataclass(frozen=True)
class Scene:
    things: tuple[Thing, ...]
    background: str
    pattern: str
    period: float
    phase: float

    def held_out(self) -> bool:
        """Returns true for one combination in ten, kept out of training. Prompts for them test generalisation."""
        return any(_held_out(thing, self) for thing in self.things)


def _held_out(thing: Thing, scene: Scene) -> bool:
    key = "|".join((thing.shape, thing.colour, thing.motion, thing.direction or "", scene.background, scene.pattern))
    return hashlib.sha256(key.encode()).digest()[0] % 10 == 0


def _choice(rng: np.random.Generator, weights: dict[str, float]) -> str:
    names = list(weights)
    p = np.array([weights[n] for n in names])
    return names[rng.choice(len(names), p=p / p.sum())]


def sample_scene(rng: np.random.Generator) -> Scene:
    background, pattern = str(rng.choice(list(COLOURS))), _choice(rng, PATTERNS)
    count = 2 if rng.random() < TWO_OBJECTS else 1
    colours = rng.choice([c for c in COLOURS if c != background], size=count, replace=False)
    if count == 1 and rng.random() < UNSAID_BACKGROUND:
        colours = rng.choice(list(COLOURS), size=1)
        background, pattern = unsaid_background(str(colours[0])), "plain"
    lanes = [None] if count == 1 else list(rng.permutation([(16.0, "upper"), (48.0, "lower")], axis=0))
    things = tuple(
        _sample_thing(rng, str(colour), None if lane is None else float(lane[0])) for colour, lane in zip(colours, lanes)
    )
    return Scene(things, background, pattern, period=float(rng.uniform(15, 17)), phase=float(rng.uniform(0, 1)))


def unsaid_background(colour: str) -> str:
    """Background of an object over which a caption says nothing: white, and black for a white object."""
    return "black" if colour == "white" else "white"


def _sample_thing(rng: np.random.Generator, colour: str, lane: float | None) -> Thing:
    motion = _choice(rng, MOTIONS)
    round_too = not motion.startswith("spin")  # turning cannot be seen on a circle or a ring
    shape = _choice(rng, {s: p for s, p in SHAPES_DRAWN.items() if round_too or s not in ("circle", "ring")})
    if lane is None:
        # Small objects blur in an eight-times smaller latent, so most are drawn larger.
        sizes = {"small": 0.10, "medium": 0.42, "large": 0.48}
        size = _choice(rng, {**sizes, "small": 0.0} if motion.startswith("spin") else sizes)
    else:
        size = "small"
        motion = motion if motion in ("still", "slow", "fast") else "still"
    base = float(rng.uniform(*SIZES[size]))
    steps = np.linspace(0.0, 1.0, FRAMES)
    radius = np.full(FRAMES, base)
    angle = np.zeros(FRAMES)
    direction = None
    mid = SIZE / 2
    margin = base + 2
    if lane is None:
        origin = np.array([mid, mid]) + rng.uniform(-1, 1, 2) * min(10.0, mid - margin)
    else:
        origin = np.array([mid + rng.uniform(-8, 8), lane])
    centre = np.repeat(origin[None], FRAMES, 0)
    if motion in TRAVEL:
        names = ("left", "right") if lane is not None else tuple(DIRECTIONS)
        direction = str(rng.choice(names))
        way = np.array(DIRECTIONS[direction], dtype=float)
        travel = float(rng.uniform(*TRAVEL[motion]))
        travel = min(travel, SIZE - 2 * margin + 6)
        middle = np.where(way != 0, mid + rng.uniform(-1, 1) * max(0.0, mid - margin - travel / 2 + 2), origin)
        centre = middle[None] + way[None] * (steps[:, None] - 0.5) * travel
    elif motion == "bounce":
        centre = _bounce(rng, origin, margin)
    elif motion.startswith("spin"):
        # It starts upright and turns at nearly one speed, because a shape at any angle and speed was not learnt.
        turn = float(rng.uniform(2.8, 3.1) if motion == "spin" else rng.uniform(6.1, 6.5))
        angle = rng.uniform(-0.1, 0.1) + steps * turn
    elif motion in ("grow", "shrink"):
        small, large = float(rng.uniform(5.5, 6.5)), float(rng.uniform(15.0, 17.0))
        radius = small + steps * (large - small)
        radius = radius if motion == "grow" else radius[::-1].copy()
        size = "medium"
    return Thing(shape, colour, size, motion, direction, centre, radius, angle)


def _bounce(rng: np.random.Generator, origin: np.ndarray, margin: float) -> np.ndarray:
    heading = rng.uniform(0, 2 * np.pi)
    velocity = np.array([np.cos(heading), np.sin(heading)]) * rng.uniform(6.0, 8.0)
    span = SIZE - 2 * margin
    path = origin[None] - margin + np.arange(FRAMES)[:, None] * velocity[None]
    folded = np.abs((path + span * 8) % (2 * span))  # a reflection at each wall is a triangle wave
    return margin + np.where(folded > span, 2 * span - folded, folded)


# --- drawing ---

_Y, _X = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) + 0.5


def _second(colour: str) -> np.ndarray:
    """Second colour of a pattern: a paler tint, or a grey for white and black."""
    rgb = np.array(COLOURS[colour], np.float32)
    if colour == "white":
        return np.array((186, 188, 194), np.float32)
    if colour == "black":
        return np.array((78, 78, 88), np.float32)
    return rgb + (255 - rgb) * 0.42


def _draw_background(scene: Scene) -> np.ndarray:
    first, second = np.array(COLOURS[scene.background], np.float32), _second(scene.background)
    if scene.pattern == "plain":
        mix = np.zeros_like(_X)
    elif scene.pattern == "gradient":
        mix = _Y / SIZE
    else:
        def band(t: np.ndarray) -> np.ndarray:
            return np.clip(np.sin(2 * np.pi * (t / scene.period + scene.phase)) * scene.period / np.pi / 1.2 + 0.5, 0, 1)

        x, y = band(_X), band(_Y)
        mix = {"vertical stripes": x, "horizontal stripes": y, "checkerboard": x * y + (1 - x) * (1 - y)}[scene.pattern]
    return first + mix[..., None] * (second - first)


def coverage(thing: Thing, frames: np.ndarray) -> np.ndarray:
    """Coverage of each pixel by the object, [len(frames), SIZE, SIZE] in 0..1, by signed distance."""
    cx, cy = thing.centre[frames, 0, None, None], thing.centre[frames, 1, None, None]
    r, a = thing.radius[frames, None, None].astype(np.float32), thing.angle[frames, None, None]
    dx, dy = (_X[None] - cx).astype(np.float32), (_Y[None] - cy).astype(np.float32)
    if thing.motion.startswith("spin"):
        c, s = np.cos(a).astype(np.float32), np.sin(a).astype(np.float32)
        dx, dy = dx * c + dy * s, dy * c - dx * s
    if thing.shape == "circle":
        d = np.hypot(dx, dy) - r
    elif thing.shape == "ring":
        d = np.abs(np.hypot(dx, dy) - 0.76 * r) - 0.27 * r
    elif thing.shape == "square":
        d = np.maximum(np.abs(dx), np.abs(dy)) - 0.88 * r
    elif thing.shape == "cross":
        ax, ay = np.abs(dx), np.abs(dy)
        d = np.minimum(np.maximum(ax - r, ay - 0.33 * r), np.maximum(ax - 0.33 * r, ay - r))
    else:  # triangle, point up
        d = np.maximum(np.float32(0.8660254) * np.abs(dx) - 0.5 * dy - 0.6 * r, dy - 0.6 * r)
    return np.clip(0.5 - d, 0, 1)


def render(scene: Scene, frames: np.ndarray | None = None) -> np.ndarray:
    """Draws RGB frames, [len(frames), SIZE, SIZE, 3] uint8; all FRAMES by default."""
    frames = np.arange(FRAMES) if frames is None else frames
    out = np.repeat(_draw_background(scene)[None], len(frames), 0)
    for thing in scene.things:
        alpha = coverage(thing, frames)[..., None]
        out += alpha * (np.array(COLOURS[thing.colour], np.float32) - out)
    return (out + 0.5).astype(np.uint8)


def object_weight(scene: Scene, cell: int = 8) -> np.ndarray:
    """Share of each latent cell within 1.15 radii of an object, [FRAMES, SIZE / cell, SIZE / cell] in 0..1."""
    mask = np.zeros((FRAMES, SIZE, SIZE), np.float32)
    for thing in scene.things:
        dx = _X[None] - thing.centre[:, 0, None, None]
        dy = _Y[None] - thing.centre[:, 1, None, None]
        mask = np.maximum(mask, np.hypot(dx, dy) < 1.15 * thing.radius[:, None, None])
    n = SIZE // cell
    return mask.reshape(FRAMES, n, cell, n, cell).mean((2, 4))


# --- words ---
#
# What a caption leaves out has one meaning, so that a short prompt gives one clear video: without a motion the object stays
# still, without a speed it moves fast, without a direction stripes are vertical, without a background it is
# `unsaid_background`. Only a colour that is not said may be any of VIVID.

NAMES = {"circle": ("circle", "disc", "ball"), "square": ("square", "box"), "triangle": ("triangle",), "ring": ("ring",), "cross": ("cross",)}
VERBS = (("moves", "moving"), ("slides", "sliding"), ("goes", "going"), ("flies", "flying"))


def _pick(rng: np.random.Generator, *options: str) -> str:
    """Picks the first option, the form in the documentation, half of the time."""
    return options[0] if rng.random() < 0.5 else options[rng.integers(len(options))]


def _article(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words


def _describe(rng: np.random.Generator, thing: Thing, colour_is_said: bool) -> str:
    size = ""
    if thing.motion not in ("grow", "shrink"):
        if thing.size == "large" and rng.random() < 0.4:
            size = _pick(rng, "large ", "big ")
        elif thing.size == "small" and rng.random() < 0.7:
            size = "small "
    names = NAMES[thing.shape]
    name = names[0] if rng.random() < 0.85 else str(rng.choice(names))
    words = size + (thing.colour + " " if colour_is_said else "") + name
    article = rng.random()
    words = words if article < 0.08 else "the " + words if article < 0.12 else _article(words)
    action = _action(rng, thing)
    return f"{words} {action}" if action else words


def _action(rng: np.random.Generator, thing: Thing) -> str:
    """Says what the object does: in the present tense, or as in "a red circle moving left" or "is moving left"."""
    form = rng.random()
    simple = form < 0.78
    start = "" if simple or form < 0.94 else "is "
    if thing.motion == "still":
        if rng.random() < 0.35:
            return ""
        return _pick(rng, "stays still", "does not move", "stands still", "is still")
    if thing.motion == "bounce":
        verb = "bounces" if simple else start + "bouncing"
        return verb + _pick(rng, " around", " around fast", "", " quickly")
    if thing.motion == "spin":
        spins, turns, rotates = ("spins", "turns", "rotates") if simple else (start + w for w in ("spinning", "turning", "rotating"))
        return _pick(rng, spins, f"{spins} slowly", rotates, f"{turns} slowly")
    if thing.motion == "spin fast":
        spins, rotates = ("spins", "rotates") if simple else (start + w for w in ("spinning", "rotating"))
        return _pick(rng, f"{spins} fast", f"{spins} quickly", f"{rotates} fast")
    if thing.motion == "grow":
        return _pick(rng, "grows", "gets bigger", "becomes larger") if simple else f"{start}growing"
    if thing.motion == "shrink":
        return _pick(rng, "shrinks", "gets smaller", "becomes smaller") if simple else f"{start}shrinking"
    way = {
        "left": _pick(rng, "to the left", "left", "leftwards"),
        "right": _pick(rng, "to the right", "right", "rightwards"),
        "up": _pick(rng, "up", "upwards", "to the top"),
        "down": _pick(rng, "down", "downwards", "to the bottom"),
    }[thing.direction or ""]
    verbs = VERBS[0] if rng.random() < 0.5 else VERBS[rng.integers(len(VERBS))]
    verb = verbs[0] if simple else start + verbs[1]
    if thing.motion == "fast" and rng.random() < 0.3:
        return f"{verb} {way}"
    speed = _pick(rng, "fast", "quickly") if thing.motion == "fast" else "slowly"
    return f"{verb} {way} {speed}" if rng.random() < 0.3 else f"{verb} {speed} {way}"


def _setting(rng: np.random.Generator, scene: Scene) -> str:
    c = scene.background
    is_unsaid = len(scene.things) == 1 and c == unsaid_background(scene.things[0].colour) and scene.pattern == "plain"
    if is_unsaid and rng.random() < 0.65:
        return ""
    over = _pick(rng, "over", "on", "in front of")
    if scene.pattern == "plain":
        if rng.random() < 0.06:
            return f" with {_article(f'{c} background')}"
        return f" {over} " + _pick(rng, f"a plain {c} background", _article(f"{c} background"), c)
    if scene.pattern == "gradient":
        return f" {over} {_article(f'{c} gradient')}"
    if scene.pattern == "checkerboard":
        return f" {over} {_article(f'{c} checkerboard')}"
    way = scene.pattern.split()[0]
    bare = (f"{c} stripes",) if way == "vertical" else ()
    return f" {over} " + _pick(rng, f"{way} {c} stripes", f"{c} {way} stripes", *bare, *bare)


def caption(rng: np.random.Generator, scene: Scene) -> str:
    """Describes a scene; the same scene has many captions."""
    alone = scene.things[0] if len(scene.things) == 1 else None
    colour_is_said = alone is None or alone.colour not in VIVID or rng.random() < 0.92
    words = " and ".join(_describe(rng, thing, colour_is_said) for thing in scene.things) + _setting(rng, scene)
    if alone and rng.random() < 0.04:
        words = f"a video of {words}"
    return words + ("." if rng.random() < 0.06 else "")
