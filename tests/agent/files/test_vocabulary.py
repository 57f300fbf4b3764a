"""Vocabularies: any text goes through whole, ids mean what Moshi's do, files of others are read as they are meant."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.files.vocabulary import END_PAD, PAD, Vocabulary, train_vocabulary
from tests.support.vocabularies import TEXTS, sentencepiece_model

VOCABULARY = train_vocabulary(TEXTS, 340)


def pieces(vocabulary: Vocabulary, text: str) -> list[str]:
    return [vocabulary.piece(id) for id in vocabulary.encode(text)]


@given(st.text())
def test_any_text_comes_back_and_never_holds_a_special_id(text: str) -> None:
    ids = VOCABULARY.encode(text)
    spoken = unicodedata.normalize("NFC", text.strip())
    assert VOCABULARY.decode(ids) == (f" {spoken}" if spoken else "")
    assert not {0, 1, 2, 3} & set(ids)


def test_words_are_encoded_as_in_running_text() -> None:
    assert pieces(VOCABULARY, "hello") == [" hello"]
    assert pieces(VOCABULARY, " hello there") == [" hello", " there"]
    assert VOCABULARY.encode("hello there") == [*VOCABULARY.encode("hello"), *VOCABULARY.encode("there")]
    assert VOCABULARY.begins_word(VOCABULARY.encode("hello")[0])
    assert [VOCABULARY.begins_word(id) for id in VOCABULARY.encode("hellow")] == [True, False]


def test_words_that_look_special_are_spelt() -> None:
    assert "".join(pieces(VOCABULARY, "<pad>")) == " <pad>"
    assert (VOCABULARY.pad, VOCABULARY.end_pad) == (PAD, END_PAD) == (3, 0)
    assert [VOCABULARY.piece(id) for id in (-1, 0, 1, 2, 3, VOCABULARY.size, 10_000)] == [""] * 7


def test_a_vocabulary_is_the_same_again_and_from_its_file(tmp_path: Path) -> None:
    again = train_vocabulary(TEXTS, 340)
    assert again.digest == VOCABULARY.digest
    VOCABULARY.save(tmp_path)
    assert Vocabulary.load(tmp_path) == Vocabulary.load(tmp_path / "tokenizer.json") == VOCABULARY
    assert VOCABULARY.size <= 340
    assert train_vocabulary(TEXTS, 280).digest != VOCABULARY.digest


def test_moshis_kind_of_file_is_read(tmp_path: Path) -> None:
    import sentencepiece

    path = sentencepiece_model(tmp_path / "tokenizer_spm_32k_3.model")
    vocabulary = Vocabulary.load(tmp_path)
    reference = sentencepiece.SentencePieceProcessor(model_file=str(path))
    assert vocabulary.encode("hello") == reference.encode("hello")
    assert "".join(pieces(vocabulary, "hello there")) == " hello there"
    assert "日".encode() == b"".join(vocabulary.pieces.spelling(id) for id in vocabulary.encode("日"))[1:]
    assert vocabulary.decode(vocabulary.encode("日本")) == " 日本"
    assert (vocabulary.pad, vocabulary.end_pad) == (3, 0)
    assert [vocabulary.piece(id) for id in range(4)] == [""] * 4
    assert Vocabulary.load(vocabulary.save(tmp_path / "other")) == vocabulary


def language_model_tokenizer(kind: str, path: Path) -> Path:
    """The tokenizer.json of a language model: bytes as letters without a leading space, or SentencePiece's spelling."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(byte_fallback=kind == "metaspace"))
    if kind == "byte-level":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
    elif kind == "metaspace":  # adds the space before a text itself
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
        tokenizer.decoder = decoders.Metaspace()
    else:  # does not
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        tokenizer.decoder = decoders.Replace("▁", " ")
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>", "<eos>"], show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.save(str(path))
    return path


@pytest.mark.parametrize("kind", ["byte-level", "metaspace", "replace"])
def test_language_models_tokenizers_are_read(kind: str, tmp_path: Path) -> None:
    vocabulary = Vocabulary.load(language_model_tokenizer(kind, tmp_path / "tokenizer.json"))
    assert "".join(pieces(vocabulary, "hello there")) == " hello there"
    assert vocabulary.begins_word(vocabulary.encode("hello")[0])
    assert vocabulary.pieces.size == vocabulary.pad == vocabulary.end_pad - 1 == vocabulary.size - 2
    assert vocabulary.piece(0) == vocabulary.piece(1) == ""
    moved = vocabulary.with_ids(600, 601)
    assert (moved.size, moved.encode("hello")) == (602, vocabulary.encode("hello"))
    assert [moved.piece(id) for id in (599, 600, 601)] == ["", "", ""]


def test_a_model_folder_names_its_vocabulary(tmp_path: Path) -> None:
    VOCABULARY.save(tmp_path)
    path = sentencepiece_model(tmp_path / "text.model")
    (tmp_path / "config.json").write_text(json.dumps({"tokenizer_name": path.name}))
    assert Vocabulary.load(tmp_path) == Vocabulary.load(path)
    path.unlink()
    with pytest.raises(ValueError, match=r"no text\.model"):
        Vocabulary.load(tmp_path)


def test_mistakes_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no vocabulary at"):
        Vocabulary.load(tmp_path / "absent.json")
    with pytest.raises(ValueError, match="holds no vocabulary"):
        Vocabulary.load(tmp_path)
    for name, kind in (("tokenizer.json", "not a tokenizer.json"), ("x.model", "not a SentencePiece model")):
        (tmp_path / name).write_bytes(b'{"half":')
        with pytest.raises(ValueError, match=kind):
            Vocabulary.load(tmp_path / name)
    with pytest.raises(ValueError, match="at least 260"):
        train_vocabulary(TEXTS, 100)
    with pytest.raises(ValueError, match="no words"):
        train_vocabulary(["", " "])
