"""Writes test/golden/tokenizer/prompts.json: token ids of prompts by the Rust library `tokenizers`.

    pip install tokenizers==0.23.3
    python tools/golden/tokenizer.py

The tokenizer is the demo model's, models/demo/tokenizer/tokenizer.json. Adareel takes every character of a prompt as
text, while the library reads `</s>` as the end token: once because it is an added token, and again because it is a
piece of the vocabulary (which a full-width spelling reaches through the normaliser). So the reference here is the
library with the same file, without the added tokens, and with their pieces renamed to contain a space, which no
pre-tokenised text does; ids, scores and the template that adds the end token stay. For a prompt that spells
no special token the file as it is must give the same ids, and the script checks that.
"""

import json
import unicodedata
from pathlib import Path

from tokenizers import Tokenizer

ROOT = Path(__file__).parents[2]
TOKENIZER = ROOT / "models/demo/tokenizer/tokenizer.json"

PLAIN = """a red circle moves fast to the left over blue stripes
a large green square stays still on a plain white background
an orange triangle slowly slides up in front of a vertical gradient
a small purple ring bounces around over a checkerboard
the yellow cross spins and gets smaller on a black background
a blue square does not move
two red circles fly rightwards
a circle grows and becomes larger and larger
a ring rotates quickly over horizontal stripes
a big white triangle stands still
a black cross flies downwards over an orange background
a green ring turns and shrinks
the square goes to the top, then to the bottom
a circle; a square: a cross!
is it a ring?
a red-blue-green circle
the circle's colour is "red"
a (very) large circle
a cat sits on a mat
photorealistic astronaut riding a horse, cinematic lighting, 4k
the quick brown fox jumps over the lazy dog
supercalifragilisticexpialidocious
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
redcircle
overover
leftwardsright
unbackgrounded
a
i
x
.
-
,,,,
...
'''
!?!?
a.b.c
http://example.com/a?b=c
me@example.com
C:\\\\folder\\\\file
one_two_three
{"json": [1, 2]}
<b>bold</b>
$5 & 10% #1 ~ ^ | ` @ + = *""".split("\n")

CASES = [
    "A RED CIRCLE MOVES FAST TO THE LEFT", "A Red Circle", "aReD cIrClE", "STILL", "Ring RING ring",
    "ÉCLAIR", "STRAẞE", "İstanbul", "ΣΊΣΥΦΟΣ", "ŒUVRE", "DŽ Dž dž",
]

ACCENTS = [
    "café", "cafe\u0301", "naïve façade", "Ångström", "piñata", "crème brûlée", "a réd cìrclê", "ÀÉÎÕÜ", "ſtill", "ﬁsh ﬂies",
    "o\u0308ver", "\u0301start", "a\u0300\u0301\u0302\u0303", "ﬀ ﬃ ﬄ", "½ circle", "x² + y³", "№ 5", "™ © ®", "㎏", "ⅷ",
]

SCRIPTS = [
    "一个红色的圆圈向左移动", "赤い円が左へ動く", "빨간 원", "красный круг", "κόκκινος κύκλος", "دائرة حمراء", "עיגול אדום",
    "लाल वृत्त", "วงกลมสีแดง", "a 红 circle", "红circle圆", "中 文 空 格", "ｶﾀｶﾅ", "か\u3099", "ﻻ", "\u1100\u1161\u11a8", "𠀀𠀁", "𝐚 𝐫𝐞𝐝 𝐜𝐢𝐫𝐜𝐥𝐞",
]

EMOJI = [
    "🔴", "a 🔴 moves", "🔴⬅️", "👩‍👩‍👧‍👦", "🇩🇪🇫🇷", "👍🏽 ring", "❤️", "a🔴b", "🔴🔵🟢", "🔴 🔵 🟢", "\u200d", "(╯°□°)╯", "①②③", "Ⓐ",
]

BLANKS = [
    "", " ", "  ", "\t", "\n", "\r\n", " a", "a ", "  a  circle  ", "a\tred\tcircle", "a\nred\ncircle", "a\r\nred", "\u00a0", "a\u00a0circle",
    "a\u2003circle", "a\u3000circle", "\u3000", "a\u200bcircle", "a\u00adcircle", "\ufeffa circle", "a\u2028b", "a\vb\fc", "▁", "▁a", "a▁circle", "▁▁", "a ▁ b",
    "\0", "a\0b", "\x1b[31mred\x1b[0m", "\x7f", "\u0085a",
]

FULL_WIDTH = ["ａ ｒｅｄ ｃｉｒｃｌｅ", "ＡＢＣ", "１２３", "ａ　ｒｅｄ", "（ａ）", "！？", "～", "ｃircle"]

DIGITS = ["0", "007", "1234567890", "3.14159", "1,000,000", "-1", "1e10", "2 circles", "٣", "१२", "²"]

UNKNOWN = [
    "~", "~~~", "~ ~", "a~b~c", "\ue000", "\uffff", "\ufffd", "\U0010ffff", "\u0378", "☃ ring ☃", "∀x∈ℝ", "a…b", "“red”", "‘red’", "–—", "€", "¿qué?",
]

LONG = [
    "a red circle " * 100, "circle" * 200, "over and over " * 40 + "again", "🔴" * 300, "🔴 " * 50, " " * 500 + "a", "1" * 100,
    "the " * 30, "the " * 31, "the " * 32, "x" * 29, "x" * 30, "x" * 31,
]

SPECIAL = [
    "</s>", "<pad>", "<unk>", "<s>", "</S>", "<PAD>", "</s></s>", "</s> </s>", "<pad><pad><pad>", "<unk><unk>", "a red</s>circle",
    "a red </s> circle", "</s>a red circle", "a red circle</s>", "a <pad> circle", "a<pad>circle", "red<unk>circle", "a <unk> circle",
    "</s><pad><unk>", "<</s>>", "</s", "/s>", "< /s>", "</ s>", "</s >", "＜/s＞", "＜ｐａｄ＞", "＜ＰＡＤ＞ circle", "﹤unk﹥", "</ſ>",
    "▁</s>", "</s>▁", "a</s>b</s>c</s>d", "<pad></s>" * 20, "circle </s> " * 40, "🔴</s>🔴", "</s>\n</s>", "\t<pad>",
    "</\u200bs>", "<\u00adpad>",
]


def text_only(tokenizer: dict) -> Tokenizer:
    special = {token["content"] for token in tokenizer["added_tokens"] if token["special"]}
    model = tokenizer["model"]
    vocabulary = [[f"no text {piece}" if piece in special else piece, score] for piece, score in model["vocab"]]
    return Tokenizer.from_str(json.dumps(tokenizer | {"added_tokens": [], "model": model | {"vocab": vocabulary}}))


def spells_special(prompt: str, special: list[str]) -> bool:
    forms = (prompt, unicodedata.normalize("NFKC", prompt).lower())
    return any(token in form for token in special for form in forms)


def main() -> None:
    stored = json.loads(TOKENIZER.read_text())
    special = [token["content"] for token in stored["added_tokens"]]
    as_stored = Tokenizer.from_file(str(TOKENIZER))
    reference = text_only(stored)
    lines = []
    for prompt in [*PLAIN, *CASES, *ACCENTS, *SCRIPTS, *EMOJI, *BLANKS, *FULL_WIDTH, *DIGITS, *UNKNOWN, *LONG, *SPECIAL]:
        ids = reference.encode(prompt).ids
        assert spells_special(prompt, special) or ids == as_stored.encode(prompt).ids, prompt
        assert ids[-1] == 1 and not {0, 1} & set(ids[:-1]), prompt
        lines.append(json.dumps({"prompt": prompt, "ids": ids}))
    (ROOT / "test/golden/tokenizer/prompts.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{len(lines)} prompts")


main()
