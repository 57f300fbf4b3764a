"""What is written is read aloud rightly, or refused with the string named: tables, held-out strings, and fuzz."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from synth.cli import app
from synth.script.language import languages, load_language
from synth.script.readings.say import load_say
from synth.script.speakable import speakable

TABLES = Path(__file__).parents[2] / "assets" / "readings"
TOKEN = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*[,.?!]?")
LONG_ENOUGH = {"en": 300}  # strings of a table; a hundred in the other languages
REFUSED = "!"


def letters(text: str) -> str:
    """A reading without blanks, marks and case: how it sounds."""
    return "".join(character for character in unicodedata.normalize("NFC", text.lower()) if character.isalpha())


def read(code: str, written: str) -> str:
    try:
        return speakable(written, load_language(code))
    except ValueError:
        return REFUSED


def table(path: Path) -> list[tuple[str, list[str]]]:
    """Written strings and the readings that are right, as letters only."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return [(written, [letters(one) or REFUSED for one in right.split("|")]) for written, right in rows]


@pytest.mark.parametrize("code", languages())
def test_every_string_of_the_table_is_read_rightly(code: str) -> None:
    rows = table(TABLES / f"{code}.tsv")
    assert len({written for written, _ in rows}) >= LONG_ENOUGH.get(code, 100)
    said = {written: read(code, written) for written, _ in rows}
    wrong = {written: said[written] for written, right in rows if (letters(said[written]) or REFUSED) not in right}
    assert not wrong


@pytest.mark.parametrize("code", languages())
def test_of_sixty_strings_in_no_table_one_is_misread_at_most_and_four_in_five_are_read(code: str) -> None:
    rows = table(TABLES / "held-out" / f"{code}.tsv")
    assert len(rows) == 60
    said = [(read(code, written), right) for written, right in rows]
    misread = [text for text, right in said if text != REFUSED and letters(text) not in right]
    assert len(misread) <= 1, misread
    assert sum(text != REFUSED for text, _ in said) >= 48


PIECES = st.sampled_from(
    [
        "12", "3", "0", "007", "1984", "½", "/", "-", "–", ":", ".", ",", " ", " ", "$", "€", "%", "°", "km", "h",
        "er", "XIV", "St.", "Dr.", "th", "'", '"', "#", "@", "&", "a", "Mai", "May", "(", ")", "+", "=", "×", "√",
        "²", "de", "Uhr",
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(languages()), st.lists(PIECES | st.text(max_size=3), min_size=1, max_size=8))
def test_whatever_is_written_comes_out_as_words_or_is_refused(code: str, pieces: list[str]) -> None:
    said = read(code, "".join(pieces))
    assert said == REFUSED or all(TOKEN.fullmatch(token) for token in said.split()), said


@pytest.mark.parametrize("code", languages())
def test_ordinals_agree_with_num2words(code: str) -> None:
    num2words = pytest.importorskip("num2words", reason="needs the package num2words").num2words
    say = load_say(code)
    numbers = range(1, 11) if code == "es" else (*range(1, 32), 42, 58, 77, 99)  # its "décimoprimero" is not ours
    for number in numbers:
        theirs = letters(num2words(number, lang=code, to="ordinal"))
        assert letters(say.ordinal(number)) == theirs, number


def test_a_line_in_a_line_out() -> None:
    result = CliRunner().invoke(app, ["speakable", "--language", "en"], input="At 5km.\nA → B\n\nNo. 7\n")
    assert result.stdout.splitlines() == [
        "At five kilometres.",
        "! '→' cannot be read aloud; write it as words",
        "! the turn holds nothing to say",
        "Number seven.",
    ]
    assert CliRunner().invoke(app, ["speakable", "½ Liter", "--language", "de"]).stdout == "Ein halber Liter.\n"


def test_a_language_without_readings_is_told() -> None:
    result = CliRunner().invoke(app, ["speakable", "x", "--language", "xx"])
    assert "nothing is known of the language 'xx'" in str(result.exception)
