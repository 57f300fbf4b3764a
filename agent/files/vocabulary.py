"""The text vocabulary of a model: words to token ids, ids to what is shown. SentencePiece or `tokenizers` files.

    vocabulary = Vocabulary.load("folder")             # or tokenizer.json, or a SentencePiece *.model
    vocabulary.encode("hello")                         # as it stands in running text: with the space before it
    vocabulary.piece(17)                               # " hell"; "" for a special id

A file that has ids for PAD and EPAD keeps them (Moshi's: 3 and 0); for a language model's tokenizer they are the two
ids after its last one, and `with_ids` moves them where a model has them.
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from corpus.durable import replacing

SPECIAL = ("<epad>", "<s>", "</s>", "<pad>")  # of our own vocabularies, ids as in Moshi's
END_PAD, PAD = 0, 3
SMALLEST = len(SPECIAL) + 256  # every byte has an id, so that any text can be said

_BYTE = re.compile(r"^<0x([0-9A-Fa-f]{2})>$")  # a byte piece of SentencePiece
_SPACE = "▁"  # SentencePiece's mark of a space


class Pieces(Protocol):
    """A tokenizer's file opened."""

    @property
    def size(self) -> int:
        """Ids in the file."""

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without any special one around it."""

    def spelling(self, id: int) -> bytes:
        """UTF-8 bytes of an id's piece, perhaps only part of a letter; empty for a special id."""


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer and the two ids that are no text. Equal if their files are."""

    pieces: Pieces = field(compare=False, repr=False)
    file: bytes = field(repr=False)  # content of the tokenizer's file
    name: str  # the file's name: tokenizer.json or tokenizer.model
    pad: int  # nothing starts here
    end_pad: int  # a word starts next

    @classmethod
    def load(cls, path: str | Path) -> Vocabulary:
        """Open a `tokenizer.json`, a SentencePiece `*.model`, or the one in a folder.

        In a model's folder it is the file that `config.json` names. Raises ValueError when nothing is there, the file
        is not of its kind, or the wheel that reads it is missing.
        """
        file = _find(Path(path))
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ValueError(f"cannot read {file}: {error}") from None
        return _from_json(data, str(file)) if file.suffix == ".json" else _from_sentencepiece(data, str(file))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, hexadecimal."""
        return hashlib.sha256(self.file).hexdigest()

    @property
    def size(self) -> int:
        """Ids in all: a model's `text_card` must be at least this."""
        return max(self.pieces.size, self.pad + 1, self.end_pad + 1)

    @cached_property
    def _lead(self) -> str:
        """What makes the tokenizer see a text's first word as any other: a space, where it adds none itself."""
        return "" if self.pieces.spelling(self.pieces.encode("a")[0]).startswith(b" ") else " "

    def encode(self, text: str) -> list[int]:
        """Ids of a word or a text as it stands in running text, i.e. with a space before it. Never PAD or EPAD."""
        text = text.strip()
        ids = self.pieces.encode(self._lead + text) if text else []
        return [id for id in ids if id not in (self.pad, self.end_pad)]

    def piece(self, id: int) -> str:
        """What an id reads as, with the space that begins a word; "" for special ids and those beyond the file."""
        return self.decode([id])

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids in a row; letters that take several ids come out whole. Special ids read as nothing."""
        known = (id for id in ids if 0 <= id < self.pieces.size and id not in (self.pad, self.end_pad))
        return b"".join(map(self.pieces.spelling, known)).decode("utf-8", "replace")

    def begins_word(self, id: int) -> bool:
        """Whether the id is the first of a word."""
        return self.piece(id).startswith(" ")

    def with_ids(self, pad: int, end_pad: int) -> Vocabulary:
        """The same with a model's PAD and EPAD."""
        return replace(self, pad=pad, end_pad=end_pad)

    def save(self, folder: str | Path) -> Path:
        """Write the file into a folder, made if missing; returns its path. `config.json` may name it."""
        path = Path(folder) / self.name
        with replacing(path) as partial:
            partial.write_bytes(self.file)
        return path


def train_vocabulary(texts: Iterable[str], size: int = 2000) -> Vocabulary:
    """A byte-level BPE vocabulary of at most `size` ids, learnt from texts; ids 0..3 are EPAD, BOS, EOS and PAD.

    Fewer ids come out where the texts hold too little. Sizes under 260 (all bytes) and empty texts raise ValueError.
    """
    if size < SMALLEST:
        raise ValueError(f"a vocabulary needs at least {SMALLEST} ids, got {size}")
    tokenizers = _tokenizers()
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.normalizer = tokenizers.normalizers.NFC()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = [text for text in texts if text.strip()]
    if not texts:
        raise ValueError("there are no words to learn a vocabulary from")
    tokenizer.train_from_iterator(texts, trainer)
    return _from_json(tokenizer.to_str().encode(), "the new vocabulary")


def _find(path: Path) -> Path:
    if not path.is_dir():
        if path.suffix not in (".json", ".model") or not path.exists():
            raise ValueError(f"no vocabulary at {path}: give a tokenizer.json, a SentencePiece .model or a folder")
        return path
    config = path / "config.json"
    try:
        name = json.loads(config.read_bytes()).get("tokenizer_name") if config.exists() else None
    except (ValueError, AttributeError):
        raise ValueError(f"cannot read {config} as a model's configuration") from None
    files = [path / name] if name else [*path.glob("tokenizer.json"), *sorted(path.glob("*.model"))]
    if not files or not files[0].exists():
        raise ValueError(f"{path} holds no vocabulary: no {name or 'tokenizer.json and no *.model'}")
    return files[0]


def _from_json(data: bytes, source: str) -> Vocabulary:
    tokenizers = _tokenizers()
    try:
        tokenizer = tokenizers.Tokenizer.from_str(data.decode())
    except Exception as error:  # the wheel's errors share no base of their own
        raise ValueError(f"{source} is not a tokenizer.json: {' '.join(str(error).split())}") from None
    # Words that look like special tokens are said as they are spelt.
    tokenizer.encode_special_tokens = True
    pieces = _TokenizerPieces(tokenizer)
    own = [tokenizer.id_to_token(id) for id in range(len(SPECIAL))] == list(SPECIAL)
    pad, end_pad = (PAD, END_PAD) if own else (pieces.size, pieces.size + 1)
    return Vocabulary(pieces, data, "tokenizer.json", pad, end_pad)


def _from_sentencepiece(data: bytes, source: str) -> Vocabulary:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the wheel's SWIG types
            import sentencepiece
    except ImportError:
        raise ValueError("a SentencePiece vocabulary needs its wheel: pip install 'duologue[lm]'") from None
    try:
        processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    except (RuntimeError, TypeError):
        raise ValueError(f"{source} is not a SentencePiece model") from None
    return Vocabulary(_SentencePieces(processor), data, "tokenizer.model", PAD, END_PAD)


def _tokenizers() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise ValueError("a vocabulary needs the wheel tokenizers: pip install 'duologue[lm]'") from None
    return tokenizers


class _SentencePieces:
    """Moshi's kind of file."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        self.size = int(processor.vocab_size())

    def encode(self, text: str) -> list[int]:
        return list(self._processor.encode(text))

    def spelling(self, id: int) -> bytes:
        processor = self._processor
        if processor.is_control(id) or processor.is_unknown(id) or processor.is_unused(id):
            return b""
        return _marked(processor.id_to_piece(id))


class _TokenizerPieces:
    """A `tokenizer.json`, of bytes mapped to letters (GPT-2's way) or of SentencePiece's spelling."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.size = 1 + max(tokenizer.get_vocab(with_added_tokens=True).values())
        self._added: dict[int, Any] = dict(tokenizer.get_added_tokens_decoder())
        self._bytes = _byte_letters() if _has_byte_level(json.loads(tokenizer.to_str())["decoder"]) else None

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def spelling(self, id: int) -> bytes:
        if id in self._added:
            token = self._added[id]
            return b"" if token.special else str(token.content).encode()
        piece = self._tokenizer.id_to_token(id) or ""
        if self._bytes is None:
            return _marked(piece)
        return bytes(self._bytes[letter] for letter in piece if letter in self._bytes)


def _marked(piece: str) -> bytes:
    byte = _BYTE.match(piece)
    return bytes([int(byte[1], 16)]) if byte else piece.replace(_SPACE, " ").encode()


def _has_byte_level(decoder: Any) -> bool:
    parts: Sequence[Any] = decoder.get("decoders", [decoder]) if isinstance(decoder, dict) else []
    return any(part.get("type") == "ByteLevel" for part in parts)


def _byte_letters() -> dict[str, int]:
    """The letter that stands for each byte in byte-level BPE: itself if printable, else one from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}
