"""What is to be taught: read from three kinds of files, checked with its place, made into dialogues."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from corpus.toml import parse_toml
from synth.script.finished import read_finished
from synth.script.practice import examination, practice
from synth.script.syllabus import EXAMPLES, Syllabus, is_syllabus, load_syllabus

MENU = """
name = "menu"
greeting = "Hello."
unknown = "I do not know."
off_topic = ["Can you sing?"]
[[question]]
ask = ["When are you open?", "What are your hours?"]
judge = ["Until when?"]
answer = "From 12 to 10."
key = "12"
[[question]]
ask = "Where are you?"
answer = "At the market."
"""
CSV = """ask,answer,key,judge
@greeting,Hello.,,
@unknown,I do not know.,,
@off_topic,Can you sing?,,
When are you open? | What are your hours?,From 12 to 10.,12,Until when?
Where are you?,At the market.,,
"""
ORDER = """
name = "Bella"
[values]
size = ["small", "large"]
place = ["Mill Road", "Park Lane", "King Street"]
[[dialogue]]
name = "order"
turns = [
    { user = ["A {size} one.", "Make it {size}.", "I take {size}."], agent = "Where to?" },
    { user = "{place}.", agent = "A {size} one to {place}.", key = "{size} one to {place}" },
]
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_three_kinds_of_files_say_the_same(tmp_path: Path) -> None:
    toml = load_syllabus(written(tmp_path, "menu.toml", MENU))
    assert load_syllabus(written(tmp_path, "menu.json", json.dumps(parse_toml(MENU, "")))) == toml
    assert load_syllabus(written(tmp_path, "menu.csv", f"\ufeff{CSV}")) == toml
    assert load_syllabus(written(tmp_path, "menu.csv", CSV.replace(",", ";"))) == toml  # as spreadsheets write it
    assert toml.question[1].ask == ("Where are you?",)
    with pytest.raises(ValueError, match=r"there is no file .*none\.toml$"):
        load_syllabus(tmp_path / "none.toml")
    (tmp_path / "latin.csv").write_bytes(CSV.replace("sing", "Ä").encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.csv is no UTF-8 text: save it as CSV UTF-8"):
        load_syllabus(tmp_path / "latin.csv")


def test_other_facts_are_no_syllabus(tmp_path: Path) -> None:
    assert is_syllabus("any.toml")
    assert is_syllabus(written(tmp_path, "a.csv", CSV))
    assert not is_syllabus(written(tmp_path, "b.csv", "dish,price\nsoup,4\n"))
    assert not is_syllabus(written(tmp_path, "b.json", '{"soup": 4}'))
    assert not is_syllabus(written(tmp_path, "b.txt", CSV))
    assert not is_syllabus(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.toml", 'name = "x"', "a.toml: nothing is taught"),
        ("a.toml", MENU.replace("greeting", "greting"), "a.toml: unknown key 'greting'; did you mean 'greeting'?"),
        ("a.toml", MENU.replace("answer", "answr", 1), "a.toml: question 1, answer is missing"),
        ("a.toml", MENU.replace("At the market.", "→"), "a.toml: question 2, answer: '→' cannot be read aloud"),
        (
            "a.toml",
            MENU.replace('key = "12"', 'key = "13"'),
            "a.toml: question 1, key: the answer does not contain '13'",
        ),
        ("a.toml", MENU.replace("Where are you?", "until when"), "question 2: 'until when' is asked in question 1 too"),
        (
            "a.toml",
            MENU.replace("Hello.", "Hello {name}."),
            "a.toml: greeting: {name} may stand in a [[dialogue]] only",
        ),
        ("a.toml", MENU.replace("unknown", "#"), "a.toml: off_topic: say in `unknown`"),
        ("a.toml", MENU.replace('"en"', "").replace("name =", 'language = "xx"\nname =', 1), "'xx'"),
        (
            "a.toml",
            ORDER.replace("to {place}.", "to {plase}."),
            "no [values] are called 'plase'; did you mean 'place'?",
        ),
        ("a.toml", ORDER.replace('["small", "large"]', "[]"), "a.toml: values.size: give at least one value"),
        (
            "a.toml",
            MENU.replace("Until when?", "When are you open?"),
            "'When are you open?' is asked twice",
        ),
        ("a.toml", MENU.replace("At the market.", "Ἀγορά."), "question 2, answer: 'Ἀγορά.' is not written in the"),
        ("a.toml", MENU.replace('"At the market."', '""'), "a.toml: question 2, answer: must not be"),
        (
            "a.toml",
            ORDER.replace("Make it {size}.", "A {size} one."),
            "a.toml: dialogue 1, turn 1, user: 'a slot size one' stands there twice",
        ),
        ("a.toml", "name = ", "a.toml is not valid TOML"),
        ("a.csv", CSV.replace("judge", "jugde"), "a.csv:1: the columns are ask, answer, key, judge"),
        ("a.csv", CSV.replace("@unknown", "@unkown"), "a.csv:3: nothing is called @unkown; did you mean 'unknown'?"),
        ("a.csv", CSV.replace("Where are you?,At the market.", "Where are you?,"), "a.csv:6: answer is missing"),
        ("a.csv", f"{CSV}until when,No.,,", "a.csv: line 7: 'until when' is asked in line 5 too"),
        ("a.csv", f'{CSV}a,"b', "a.csv: unexpected end of data"),
        ("a.csv", f"{CSV}a,b,c,d,e\n", "a.csv:7: as many cells as columns"),
        ("a.txt", MENU, "a.txt: what is taught stands in a .toml, .json or .csv file"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        load_syllabus(written(tmp_path, name, text))
    assert "\n" not in str(error.value)


def said(syllabus: Syllabus, seconds: float = 400.0) -> list[tuple[str, str]]:
    """What users say in practice and the answers to it."""
    turns = [turn for dialogue in practice(syllabus, seconds) for turn in dialogue.turns]
    return [(turns[at - 1].text, turn.text) for at, turn in enumerate(turns) if turn.answers is not None]


def test_practice_has_every_taught_wording_alike_and_none_that_is_for_judging(tmp_path: Path) -> None:
    syllabus = load_syllabus(written(tmp_path, "menu.toml", MENU))
    pairs = said(syllabus)
    counts = {user: sum(each == user for each, _ in pairs) for user, _ in pairs}
    assert set(counts) == {"When are you open?", "What are your hours?", "Where are you?", "Can you sing?"}
    assert max(counts.values()) - min(counts.values()) <= 1
    assert dict(pairs)["Can you sing?"] == "I do not know."
    assert practice(syllabus, 60.0, 1) == practice(syllabus, 60.0, 1) != practice(syllabus, 60.0, 2)


def test_slots_are_filled_alike_in_a_whole_dialogue_and_every_value_comes(tmp_path: Path) -> None:
    syllabus = load_syllabus(written(tmp_path, "order.toml", ORDER))
    answers = {agent for _, agent in said(syllabus)}
    values = {f"A {size} one to {place}." for size in ("small", "large") for place in syllabus.values["place"]}
    assert answers == {"Where to?", *values}
    for dialogue in practice(syllabus, 100.0):
        size = "small" if "small" in dialogue.turns[0].text else "large"
        assert size in dialogue.turns[3].text
        assert dialogue.turns[2].text[:-1] in dialogue.turns[3].text
        assert "I take" not in dialogue.turns[0].text  # the last of three wordings is kept


def test_an_examination_asks_once_each_and_new_wordings_only_where_there_are_some(tmp_path: Path) -> None:
    syllabus = load_syllabus(written(tmp_path, "menu.toml", MENU))
    asked = [(d.turns[1].text, d.turns[1].question) for d in examination(syllabus, False)]
    assert [question.answer for _, question in asked if question] == ["twelve", "at the market", "i do not know"]
    assert [d.turns[1].text for d in examination(syllabus, True)] == ["Until when?"]
    order = load_syllabus(written(tmp_path, "order.toml", ORDER))
    (new,) = examination(order, True)
    assert new.turns[0].text.startswith("I take ")
    assert [turn.question is not None for turn in new.turns] == [True, False, False, False]


def test_the_example_is_sayable_to_the_end(tmp_path: Path) -> None:
    syllabus = load_syllabus(EXAMPLES / "pizza.toml")
    dialogues = [*practice(syllabus, 200.0), *examination(syllabus, True)]
    path = written(tmp_path, "s.jsonl", "".join(f"{d.model_dump_json(exclude_defaults=True)}\n" for d in dialogues[:5]))
    assert [line.text for lines in read_finished(path, "en") for line in lines]


def test_a_mind_reads_who_it_is_and_what_it_knows(tmp_path: Path) -> None:
    syllabus = load_syllabus(written(tmp_path, "menu.toml", MENU))
    assert syllabus.instructions() == (
        'You are the voice assistant of menu.\nWhen what you know does not answer a question, say: "I do not know."'
    )
    assert syllabus.facts() == (
        "Question: When are you open?\nAnswer: From 12 to 10.\nQuestion: Where are you?\nAnswer: At the market."
    )
