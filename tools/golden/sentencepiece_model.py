"""Writes test/golden/tokenizer/spiece.model and spiece.json: a small T5 vocabulary and the ids SentencePiece gives prompts.

    pip install sentencepiece==0.2.3
    python tools/golden/sentencepiece_model.py

The model is trained on prompts of the demo model with the specials of T5 and with NFKC, whose table is most of the file.
The end token is appended, as T5's tokenizer does. Two runs write the same bytes.
"""

import io
import json
from pathlib import Path

import sentencepiece

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "test/golden/tokenizer"
FURTHER = [
    "A Red CIRCLE", "  two   blanks\tand\na line ", "caf\u00e9 \u2460 \uff41\uff42\uff43 \ufb01ne", "\u96ea\u96ea a", "x\u3042y",
    "..!!", "\u2581a", "a\u00a0b\u200bc", "supercalifragilisticexpialidocious", "redcircle leftwardsright",
]  # fmt: skip


def main() -> None:
    prompts = [case["prompt"] for case in json.loads((ROOT / "models/demo/held-out-prompts.json").read_text())]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(prompts), model_writer=model, vocab_size=94, model_type="unigram", pad_id=0, eos_id=1,
        unk_id=2, bos_id=-1, character_coverage=1.0, num_threads=1, normalization_rule_name="nmt_nfkc", minloglevel=2,
    )  # fmt: skip
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    cases = [{"prompt": prompt, "ids": [*processor.encode(prompt), 1]} for prompt in prompts[:40] + FURTHER]
    (TARGET / "spiece.model").write_bytes(model.getvalue())
    (TARGET / "spiece.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
