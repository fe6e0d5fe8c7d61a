"""Writes test/golden/tokenizer/spiece.model, spiece.json and spiece-options.json: small SentencePiece vocabularies, and
the ids that the library gives prompts.

    pip install sentencepiece==0.2.3 protobuf
    python tools/golden/sentencepiece_model.py

`spiece.model` is trained on prompts of the demo model with the specials of T5 and with NFKC, whose table is most of the
file. `spiece-options.json` holds a model for each option of the format, with few rules of replacing characters. The end
token is appended, as T5's tokenizer does. Two runs write the same bytes.
"""

import base64
import io
import json
import random
import tempfile
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as protobuf

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "test/golden/tokenizer"
FURTHER = [
    "A Red CIRCLE", "  two   blanks\tand\na line ", "caf\u00e9 \u2460 \uff41\uff42\uff43 \ufb01ne", "\u96ea\u96ea a", "x\u3042y",
    "..!!", "\u2581a", "a\u00a0b\u200bc", "supercalifragilisticexpialidocious", "redcircle leftwardsright", "a\u0085b", "\u0085",
]  # fmt: skip
OF_OPTIONS = [
    "", " ", "   ", "a", " a", "a ", "  a  red   circle  ", "a red circle", "\ta\n", "\u2581", "\u2581a \u2581", "a\u2581", " \u2581 ",
    "\u0085", "a \u0085 b", "x\u200by", " \u200b ", "\u200b", "\ufb01 \ufb01ne", "A RED Circle", "ABBA", "<red>", "a<red>b", "<red><red>",
    "circle moves", "the circle  moves", "\U0001f534\U0001f534", "red\U0001f534red", "\u96ea\u96ea", "\u96ea \u96ea a", "\u00e9e\u0301", "</s>",
    "<pad><unk>", "<ctl>a", "<0x41>", "~~~ ~", "\ufffd", "\x01\x7f", "wwwwwww", "-----", "aaaaaaa a aa", "over over overover",
]  # fmt: skip
# Code points, and what they become: a capital, a ligature, a space, nothing, a sequence and its beginning.
RULES = "41\t61\nFB01\t66 69\n85\t20\n200B\t\n42 42\t62\n42\t78 20 79\n65 301\tE9\n"


def held_out() -> list[str]:
    return [case["prompt"] for case in json.loads((ROOT / "models/demo/held-out-prompts.json").read_text())]


def trained(**options) -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(held_out()), model_writer=model, model_type="unigram", pad_id=0, eos_id=1,
        unk_id=2, bos_id=-1, character_coverage=1.0, num_threads=1, minloglevel=2, **options,
    )  # fmt: skip
    return model.getvalue()


def changed(model: bytes, change) -> bytes:
    parsed = protobuf.ModelProto()
    parsed.ParseFromString(model)
    change(parsed)
    return parsed.SerializeToString()


def escape_none(model: protobuf.ModelProto) -> None:
    model.normalizer_spec.escape_whitespaces = False
    for piece in model.pieces:
        piece.piece = piece.piece.replace("\u2581", " ")


def equal_scores(model: protobuf.ModelProto) -> None:
    for piece in model.pieces:
        if piece.type == piece.NORMAL:
            piece.score = -0.7 * len(piece.piece) - 0.1 * (len(piece.piece) % 3 == 0)


def unused(model: protobuf.ModelProto) -> None:
    for index, piece in enumerate(model.pieces):
        if piece.type == piece.NORMAL and len(piece.piece) > 2 and index % 3 == 0:
            piece.type = piece.UNUSED


def optioned() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.tsv"
        rules.write_text(RULES)
        small = {"vocab_size": 94, "normalization_rule_tsv": str(rules)}
        symbols = {"user_defined_symbols": ["<red>", "circle moves", "re", "\U0001f534", "\ufb01", "ov"], "vocab_size": 100}
        bytewise = {"byte_fallback": True, "vocab_size": 350}
        plain = trained(**small)
        return {
            "of all defaults": plain,
            "without a space before the text": trained(**small, add_dummy_prefix=False),
            "that keeps spaces": trained(**small, remove_extra_whitespaces=False),
            "that keeps spaces and adds none": trained(**small, remove_extra_whitespaces=False, add_dummy_prefix=False),
            "with spaces at the ends of words": trained(**small, treat_whitespace_as_suffix=True),
            "that keeps spaces, at the ends of words": trained(**small, treat_whitespace_as_suffix=True, remove_extra_whitespaces=False),
            "of pieces with several words": trained(**small, split_by_whitespace=False),
            "with spaces as they are": changed(plain, escape_none),
            "with bytes for unknown characters": trained(**small | bytewise),
            "with symbols of its users": trained(**small | symbols),
            "with symbols, bytes and all spaces": trained(**small | bytewise | symbols | {"vocab_size": 360}, remove_extra_whitespaces=False),
            "with control symbols": trained(**small, control_symbols=["<ctl>", "red"]),
            "with unused pieces": changed(plain, unused),
            "of equal scores": changed(plain, equal_scores),
            "without rules": trained(vocab_size=94, normalization_rule_name="identity"),
        }  # fmt: skip


def prompts_of_options() -> list[str]:
    chance = random.Random(8)
    words = ["a", "red", "circle", "moves", "over", " ", "  ", "-", "w", "\u0085", "<red>", "\ufb01", "A", "B", "\u96ea", "\U0001f534"]
    return OF_OPTIONS + ["".join(chance.choices(words, k=chance.randint(3, 9))) for _ in range(30)]


def lines_of(cases: list[dict]) -> str:
    return "[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]"


def ids_by(model: bytes, prompts: list[str]) -> list[list[int]]:
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [[*processor.encode(prompt), 1] for prompt in prompts]


def main() -> None:
    prompts = held_out()[:40] + FURTHER
    model = trained(vocab_size=94, normalization_rule_name="nmt_nfkc")
    (TARGET / "spiece.model").write_bytes(model)
    cases = [{"prompt": prompt, "ids": ids} for prompt, ids in zip(prompts, ids_by(model, prompts))]
    (TARGET / "spiece.json").write_text(lines_of(cases) + "\n")
    prompts = prompts_of_options()
    models = [
        {"title": title, "model": base64.b64encode(model).decode(), "ids": ids_by(model, prompts)}
        for title, model in optioned().items()
    ]
    stored = f'{{\n"prompts": {json.dumps(prompts)},\n"models": {lines_of(models)}\n}}\n'
    (TARGET / "spiece-options.json").write_text(stored)


if __name__ == "__main__":
    main()
