"""Languages: numbers in words, what models write made speakable, phrases and prompts complete in each of them."""

from __future__ import annotations

import random
import re

import pytest

from synth.script.language import is_in, languages, load_language
from synth.script.line import Behaviours, Brief
from synth.script.models.prompting import (
    FAMILIES,
    draw_scenario,
    load_passages,
    load_prompts,
    next_turn,
    whole_dialogue,
)
from synth.script.speakable import speakable

TOKEN = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*[,.?!]?")


@pytest.mark.parametrize(
    ("code", "number", "words"),
    [
        ("en", 1203, "one thousand two hundred and three"), ("en", 40, "forty"), ("en", 99, "ninety-nine"),
        ("de", 21, "einundzwanzig"), ("de", 101, "einhunderteins"), ("de", 21_001, "einundzwanzigtausendeins"),
        ("de", 2_300_000, "zwei Millionen dreihunderttausend"), ("fr", 71, "soixante et onze"),
        ("fr", 80, "quatre-vingts"), ("fr", 80_000, "quatre-vingt mille"), ("fr", 98, "quatre-vingt-dix-huit"),
        ("fr", 201, "deux cent un"), ("fr", 300, "trois cents"), ("es", 31, "treinta y uno"), ("es", 100, "cien"),
        ("es", 515, "quinientos quince"), ("es", 21_000, "veintiún mil"), ("it", 28, "ventotto"),
        ("it", 143, "centoquarantatré"), ("it", 2001, "duemilauno"), ("pt", 16, "dezasseis"),
        ("pt", 142, "cento e quarenta e dois"), ("pt", 3000, "três mil"), ("pt", 21_000, "vinte e um mil"),
    ],
)  # fmt: skip
def test_numbers_in_words(code: str, number: int, words: str) -> None:
    assert load_language(code).numbers.cardinal(number) == words


@pytest.mark.parametrize("code", languages())
def test_no_two_numbers_are_said_alike(code: str) -> None:
    cardinal = load_language(code).numbers.cardinal
    said = [cardinal(number) for number in [*range(12_000), *range(99_990, 101_200), *range(999_000, 1_001_100)]]
    assert len(set(said)) == len(said)
    assert all(TOKEN.fullmatch(word) for text in said for word in text.split())


@pytest.mark.parametrize("code", languages())
def test_a_languages_phrases_and_prompts_are_complete(code: str) -> None:
    language, prompts = load_language(code), load_prompts(code)
    for name, phrases in language.phrases:
        for phrase in (part for entry in phrases for part in ([entry] if isinstance(entry, str) else entry)):
            for token in phrase.replace("{},", "x").split():
                assert TOKEN.fullmatch(token), f"{name}: {phrase!r}"
    assert all("{}" in carrier.split(",")[1] for carrier in language.phrases.carriers)
    assert set(prompts.families) == set(FAMILIES)
    for family in FAMILIES:
        scenario = draw_scenario(Brief(code, {family: 1.0}, Behaviours(), 150), load_passages(""), random.Random(1))
        texts = [message.content for message in whole_dialogue(scenario)]
        texts += [message.content for message in next_turn(scenario, "user", [("agent", "x")], last=True)]
        assert not [text for text in texts if re.search(r"\$\w", text)], family
        assert len(scenario.checks) == (3 if family == "maths_trivia" else 0)
    assert {*prompts.seeds["sums"]} == {"plus", "minus", "times"}


@pytest.mark.parametrize(
    ("code", "written", "spoken"),
    [
        ("en", "Hi! It's 3:30, so **$12.50** (laughs) 😀", "Hi! It's three thirty, so twelve dollars fifty."),
        ("en", "*sighs* Dr. Smith — at 10 a.m.; from 9-5…", "Doctor Smith, at ten A M, from nine to five."),
        ("en", "In 1969, 1,200 km, 3.5 kg; 50% on the 21st",
         "In nineteen sixty-nine, one thousand two hundred kilometres, three point five kilos, fifty percent on the "
         "twenty-first."),
        ("en", "“Really”… it's - well - 5 o’clock", "Really, it's, well, five o'clock."),
        ("de", "Um 14:05 Uhr kostet es 3,50 €, z.B. 1.200 km.",
         "Um vierzehn Uhr fünf kostet es drei Euro fünfzig, zum Beispiel eintausendzweihundert Kilometer."),
        ("fr", "Ça va ? À 8:30, 21,50 € !", "Ça va? À huit heures trente, vingt et un euros cinquante!"),
        ("es", "¿Cómo estás? ¡Son 31 €!", "Cómo estás? Son treinta y un euros!"),
        ("it", "Costa 28 € il 50%", "Costa ventotto euro il cinquanta per cento."),
    ],
)  # fmt: skip
def test_what_models_write_becomes_speakable(code: str, written: str, spoken: str) -> None:
    assert speakable(written, load_language(code)) == spoken


@pytest.mark.parametrize(
    ("code", "written", "spoken"),
    [
        ("de", "äh, Ich weiß nicht. Also, Geht das?", "Äh, ich weiß nicht. Also, geht das?"),
        ("de", "Ähm, Sie auch. Na ja, Peter kommt.", "Ähm, Sie auch. Na ja, Peter kommt."),
        ("en", "Um, The dog. Well, I know.", "Um, the dog. Well, I know."),
        ("fr", "Euh, Je sais. Alors, Pierre vient.", "Euh, je sais. Alors, Pierre vient."),
        ("es", "Eh, Bueno, Vamos. Pues, Pedro.", "Eh, bueno, vamos. Pues, Pedro."),
        ("it", "Ehm, Vorrei un caffè.", "Ehm, vorrei un caffè."),
        ("pt", "Hum, Queria um café.", "Hum, queria um café."),
    ],
)
def test_behind_a_filler_only_names_keep_their_capital(code: str, written: str, spoken: str) -> None:
    assert speakable(written, load_language(code)) == spoken


@pytest.mark.parametrize(
    "written", ["See www.example.com", "😀", "*nods*", "1.2.3.4", "Nimm 1 Dingsbums.", "Um 24.12 geht es.", "a → b"]
)
def test_what_has_no_one_reading_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"words|nothing to say"):
        speakable(written, load_language("de"))


def test_the_language_of_a_text_is_told() -> None:
    for code in languages():
        asked = load_prompts(code).ask
        assert [other for other in languages() if is_in(asked, other)] == [code]
