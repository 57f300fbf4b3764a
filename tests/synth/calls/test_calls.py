"""Calls heard by a recognizer that is told what to hear, matched with transcripts, and freed of names and numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from codec.metrics import joined
from corpus.audio import SAMPLE_RATE, Samples
from corpus.formats.recordings import Words
from corpus.formats.redaction import MARK
from corpus.interleave import TimedWord
from corpus.record import Word, WordSource
from corpus.store import Corpus
from synth.alignment.aligner import Spans
from synth.calls import CallHearer, NamesAndNumbers, matched, read_words
from synth.cli import app
from tests.support.calls import TEXTS, both, recognizer, sound, write_call
from tests.support.tiny_corpus import dialogue


def test_the_words_of_a_transcript_take_the_times_of_what_was_heard() -> None:
    heard = [
        TimedWord("I", 1.0, 1.1),
        TimedWord("am", 1.1, 1.3),
        TimedWord("jack.", 1.3, 1.7),
        TimedWord("ok", 3.0, 3.5),
    ]
    names = ["Well,", "I", "am", "Jack", "Black.", "OK!"]
    times = [(0.7, 1.0), (1.0, 1.1), (1.1, 1.3), (1.3, 1.7), (1.7, 2.0), (3.0, 3.5)]
    found = matched(names, heard)
    assert [word.text for word in found] == names
    assert [(word.start, word.end) for word in found] == [pytest.approx(pair) for pair in times]
    misheard = matched(
        ["I", "met", "Ann", "Lee", "ok", "I"],
        [heard[0], TimedWord("mettanly", 1.1, 1.7), heard[3], TimedWord("I", 4.0, 4.1)],
    )
    assert [word.start for word in misheard] == pytest.approx([1.0, 1.1, 1.3, 1.5, 3.0, 4.0])
    with pytest.raises(ValueError, match="20% is heard in it"):
        matched(["I", "never", "said", "any", "such"], heard)


def test_pieces_of_a_recognizer_become_words() -> None:
    pieces = [(" high", 0.0, 0.3), ("-end", 0.3, 0.5), (" cars.", 0.6, 0.9)]
    assert [tuple(word[:3]) for word in joined(pieces)] == [("high-end", 0.0, 0.5), ("cars.", 0.6, 0.9)]


def test_what_is_heard_becomes_turns_and_a_loop_is_left_out() -> None:
    loop = [TimedWord("again", 6.5 + 0.01 * n, 6.51 + 0.01 * n) for n in range(30)]
    heard = recognizer(0)(sound()[0])
    hear = CallHearer(lambda _: [*heard, TimedWord("-", 6.0, 6.1), *loop], "de")
    turns = hear(sound()[0], None)
    assert [" ".join(word.text for word in turn) for turn in turns] == [
        "hello there how are you",
        "very well it is sunny",
    ]
    expected = [(word.start, word.end, "native") for word in dialogue(0)[0].words(0)]
    assert [(word.start, word.end, word.source) for turn in turns for word in turn] == expected
    said = CallHearer(recognizer(0, {"sunny": "funny"}), "de")(sound()[0], TEXTS[0].title())
    assert [word.text for turn in said for word in turn] == TEXTS[0].title().split()


def test_words_are_forced_and_a_turn_that_cannot_be_is_parted_at_its_longest_silence() -> None:
    asked = []

    def align(samples: Samples, rate: int, text: str, native: None, language: str, aligner: object) -> Words:
        asked.append((text, round(len(samples) / rate, 2)))
        tokens = text.split()
        source: WordSource = "proportional" if "six" in tokens else "forced"
        return tuple(
            Word(text=token, start=0.25 + 0.2 * at, end=0.4 + 0.2 * at, source=source)
            for at, token in enumerate(tokens)
        )

    names = ("one", "two", "three", "four", "five", "six", "seven")
    starts = (1.0, 1.2, 1.4, 2.0, 2.3, 2.5, 2.7)  # the longest silence is behind three
    heard = [TimedWord(name, start, start + 0.1) for name, start in zip(names, starts, strict=True)]
    turns = CallHearer(lambda _: heard, "en", align)(np.zeros(4 * SAMPLE_RATE, np.float32), None)
    assert asked == [(" ".join(names), 2.3), ("one two three", 1.0), ("four five six seven", 1.3)]
    words = [word for turn in turns for word in turn]
    assert [word.source for word in words] == ["forced"] * 3 + ["native"] * 4
    assert [word.start for word in words] == pytest.approx([1.0, 1.2, 1.4, 2.0, 2.3, 2.5, 2.7])
    assert [len(turn) for turn in turns] == [7]


class Third:
    """An aligner that gives three words a third of a clip each, and fits no other text."""

    version = "third 1"

    def spans(self, samples: Samples, rate: int, tokens: list[str]) -> Spans | None:
        """See `Aligner.spans`."""
        third = len(samples) / rate / 3
        return [(at * third, (at + 1) * third) for at in range(3)] if len(tokens) == 3 else None


def test_an_aligner_of_another_language_forces_the_words_and_their_halves() -> None:
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, 4 * SAMPLE_RATE).astype(np.float32)
    starts = (1.0, 1.2, 1.4, 2.0, 2.2, 2.4)  # the longest silence is behind drei
    names = ("eins", "zwei", "drei", "vier", "fünf", "sechs")
    heard = [TimedWord(name, start, start + 0.1, "") for name, start in zip(names, starts, strict=True)]
    (turn,) = CallHearer(lambda _: heard, "de", aligner=Third())(noise, None)
    assert [word.source for word in turn] == ["forced"] * 6
    assert [word.start for word in turn[:3]] == pytest.approx([0.75, 1.0833, 1.4167], abs=0.01)  # 0.75 to 1.75 s
    (turn,) = CallHearer(lambda _: heard, "de")(noise, None)
    assert [word.source for word in turn] == ["native"] * 6


@pytest.mark.parametrize(
    ("language", "said", "covered"),
    [
        ("en", "My name is Jack Satelli. Jack, are you there?", "Jack Satelli. Jack,"),
        ("en", "It is S-M-I-T-H, with Sam's card", "S-M-I-T-H, Sam's"),
        ("en", "Five five oh double two, and one more", "Five five oh double two,"),
        ("en", "That one costs twenty-three pounds on Monday", "twenty-three"),
        ("en", "Room 12b, jo@ex.org or ex.com please", "12b, jo@ex.org ex.com"),
        ("en", "So I said OK. Then Sorry, I'm late, God", ""),
        ("en", "One hundred and ten and done", "One hundred and ten"),
        ("en", "We met the Mole. a mole is small", ""),
        ("de", "Ich heiße Anna und habe dreiundzwanzig Äpfel, ein Haus", "dreiundzwanzig"),
    ],
)
def test_numbers_and_names_are_told_by_a_rule(language: str, said: str, covered: str) -> None:
    words = said.split()
    (flags,) = NamesAndNumbers(language)([words])
    assert [word for word, flag in zip(words, flags, strict=True) if flag] == covered.split()


def test_a_name_of_one_side_is_covered_on_the_other_and_a_list_is_obeyed(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("Elm\nstreet\n")
    rule = NamesAndNumbers("en", read_words(tmp_path / "words"))
    assert rule([["I", "am", "Ada."], ["Ada", "of", "elm", "Street's", "end"]]) == [
        [False, False, True],
        [True, False, True, True, False],
    ]
    listed = NamesAndNumbers("en", rule.listed, by_rule=False)
    assert listed([["Ada", "7", "elm"]]) == [[False, False, True]]
    (tmp_path / "words").write_text(" \n")
    with pytest.raises(ValueError, match="holds no word"):
        read_words(tmp_path / "words")


def imported(folder: Path, *words: str) -> str:
    """What `synth import --from wav` prints, or the error it gives."""
    rights = ("--licence", "CC0-1.0", "--consent", "given", "--source", "here", "--language", "de")
    given = ("import", str(folder / "in"), "--from", "wav", "--out", str(folder / "out"), *rights, *words)
    result = CliRunner().invoke(app, given)
    return str(result.exception) if result.exception else result.output


def test_the_command_hears_levels_and_covers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(model: Path, language: str, aligner: None) -> CallHearer:
        return CallHearer(both, language)

    write_call(tmp_path / "in", "call")
    assert "no folder of a faster-whisper model" in imported(tmp_path, "--whisper", str(tmp_path))
    monkeypatch.setattr(CallHearer, "load", load)
    (tmp_path / "words").write_text("sunny")
    given = ("--whisper", str(tmp_path), "--redact", "--redact-words", str(tmp_path / "words"))
    output = imported(tmp_path, *given)
    assert "capitals do not tell names" in output
    assert "1 stretches of names and numbers" in output
    corpus = Corpus(tmp_path / "out")
    (record,) = corpus
    said = " ".join(turn.text for turn in record.turns if turn.speaker == "agent")
    assert said == TEXTS[0].replace("sunny", MARK)
    assert record.audio is not None
    assert record.audio.lufs == pytest.approx((-23.0, -23.0), abs=0.6)  # a word of the agent's is a beep now
    assert corpus.info.recipe["redact"] == "yes"
    assert "another recipe" in imported(tmp_path, "--whisper", str(tmp_path))
    assert "aligner 'wisper:x' is not known" in imported(tmp_path, "--aligner", "wisper:x")
    asked = CliRunner().invoke(app, ["import", str(tmp_path), "--from", "wav", "--out", str(tmp_path / "no")])
    assert "state the licence and the consent and the source of these recordings: --licence TEXT" in str(
        asked.exception
    )
    other = CliRunner().invoke(app, ["import", "x", "--from", "lhotse", "--out", "y", "--redact"])
    assert str(other.exception) == "--redact is for --from wav"
    assert not (tmp_path / "no").exists()


def test_sound_that_is_none_is_heard_as_nothing() -> None:
    silent: Samples = np.zeros(SAMPLE_RATE, np.float32)
    assert CallHearer(lambda _: [], "en")(silent, None) == []
