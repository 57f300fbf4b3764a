"""Small vocabularies of other people's kinds."""

from __future__ import annotations

import io
from pathlib import Path

TEXTS = ["hello there how are you", "it's a sunny day, hello", "there are twelve of them"] * 20


def sentencepiece_model(path: Path) -> Path:
    """A model with Moshi's special ids and byte pieces."""
    import sentencepiece

    data = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_writer=data,
        vocab_size=310,
        byte_fallback=True,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=3,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    path.write_bytes(data.getvalue())
    return path
