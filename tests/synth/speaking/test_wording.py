"""What a recognizer wrote against what was said: the same however it is spelled, another when it is."""

from __future__ import annotations

import pytest

pytest.importorskip("jiwer", reason="needs the extra 'evaluate'")
pytest.importorskip("whisper_normalizer", reason="needs the extra 'evaluate'")

from synth.speaking.quality.settings import QualitySettings
from synth.speaking.quality.wording import Wording, compare, names_in, plain

SETTINGS = QualitySettings()


def passes(said: str, heard: str, language: str = "en") -> bool:
    found = compare(said, heard, language)
    return found.passes(SETTINGS.word_errors, SETTINGS.forgiven, SETTINGS.letter_errors)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("At seven thirty, please.", " At 7.30, please."),
        ("At seven thirty, please.", "At 7:30 please."),
        ("That is twenty five percent.", "That is 25%."),
        ("It costs five dollars.", "It costs $5."),
        ("Mister Smith lives there.", "Mr. Smith lives there."),
        ("My favourite colour is grey.", "My favorite color is gray."),
        ("I am going to do it, I would say.", "I'm gonna do it, I'd say."),
        ("Okay, all right.", "OK. Alright."),
        ("Set an alarm clock.", "Set an alarmclock."),
        ("Good morning, Anna.", "Good morning, Ana."),
        ("Yeah.", "Yep."),
        ("Three thousand and four.", "3,004"),
    ],
)
def test_the_same_in_another_spelling_passes(said: str, heard: str) -> None:
    assert passes(said, heard)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("At seven thirty, please.", "You"),
        ("The train leaves at nine from the second platform.", "The train leaves at nine."),
        ("The train leaves at nine.", "The train leaves at nine. The train leaves at nine."),
        ("Yes, of course.", ""),
        ("No.", "Thank you."),
        ("I would like the red one, please.", "A wood lake the bread on fleas."),
    ],
)
def test_something_else_fails(said: str, heard: str) -> None:
    assert not passes(said, heard)


def test_names_are_no_slips_and_only_names_are() -> None:
    """Heard by whisper-base from voices that said them well."""
    assert passes("Done, I'll tell you when Laurie Yang answers.", "Done, I'll tell you one more young answers.")
    assert passes("And what should Laurie Yang know?", "and what should Lori Y'un know?")
    assert not passes("Done, I'll tell you when Laurie Yang answers.", "Don't ill sell ewe one more young dancers.")
    assert [names_in(text) for text in ("Yes. Anna, I think I'm late.", "Ask Mary Ann, Bob.", "No names here.")] == [
        0,
        3,
        0,
    ]


def test_errors_are_counted_by_hand() -> None:
    assert compare("one fine day", "one fine day", "en") == Wording(0, 3, 0.0)
    found = compare("red cars stop here", "red bars stop", "en")
    assert (found.errors, found.words) == (2, 4)
    assert found.letters == pytest.approx(5 / 15, abs=1e-3)  # c to b, and h e r e
    assert compare("...", "anything", "en") == Wording(0, 0, 0.0)


def test_other_languages_are_compared_without_marks() -> None:
    assert plain("Ça va, Zoé ?", "fr") == plain("ça va zoé", "fr")
    assert not passes("Guten Morgen", "Gute Nacht", "de")
