"""Topics, questions, prompts and families of one's own, as files beside the recipe."""

from __future__ import annotations

import pickle
import random
import re
from pathlib import Path

import pytest

from synth.recipe import CorpusRecipe, load_recipe, parse_recipe
from synth.script.builtin.writer import BuiltinWriter
from synth.script.finished import read_finished
from synth.script.language import language_file, load_language
from synth.script.line import Behaviours, Brief, Line, plain_words
from synth.script.models.prompting import draw_scenario, whole_dialogue
from synth.script.speakable import speakable
from synth.script.syllabus import EXAMPLES

NOTHING = Behaviours(0.0, 0.0, 0.0, 0.0, 0.0)
MENU = """name = "Menu"
question = [{ ask = ["What is 2 dollars?", "Anything for two dollars?"], answer = "The soup is $2.", key = "soup" }]
values = { size = ["small", "large"] }
dialogue = [{ name = "order", turns = [{ user = "A {size} one, please.", agent = "One {size} one." }] }]
"""
SIZES = ("One small one.", "One large one.")
FAMILY = """[families.bakery]
scene = "$user_name calls a bakery for $cake."
user = "hungry"
agent = "a baker"
[seeds]
cake = ["a plum cake"]
"""


def test_a_file_is_a_topic_and_its_texts_are_said_as_they_stand(tmp_path: Path) -> None:
    (tmp_path / "menu.toml").write_text(MENU)
    topics = {str(tmp_path / "menu.toml"): 1.0, "support": 1.0}
    lines = [
        line
        for seed in range(12)
        for line in BuiltinWriter().write(Brief("en", topics, NOTHING, 150), random.Random(seed))
        if line.topic == "menu"
    ]
    user, agent = ({line.text for line in lines if line.speaker == who} for who in ("user", "agent"))
    assert {"The soup is two dollars.", "One small one."} <= agent <= {"The soup is two dollars.", *SIZES}
    assert all(
        text.lower().endswith(("what is two dollars?", "anything for two dollars?", "one, please.")) for text in user
    )
    asked = [line for line in lines if line.question is not None]
    assert {line.question.answer for line in asked if line.question} <= {"soup", "one small one", "one large one"}


def _checked(lines: list[Line]) -> set[str]:
    """Answers that stand where the line says that they do."""
    given = [(lines[line.answers].question, line.text) for line in lines if line.answers is not None]
    assert all(question and f" {question.answer} " in f" {plain_words(text)} " for question, text in given)
    return {question.answer for question, _ in given if question}


def test_questions_of_ones_own_are_what_checkable_asks(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("ask,answer,key\nWho bakes?|Who is the baker?,Ann bakes.,Ann\n")
    (tmp_path / "mine.toml").write_text('[topics]\ncheckable = 2\n[writer]\nquestions = "faq.csv"\n')
    recipe = load_recipe(tmp_path / "mine.toml")
    assert recipe.asked_topics() == {str(tmp_path / "faq.csv"): 2.0}
    lines = BuiltinWriter().write(Brief("en", recipe.asked_topics(), NOTHING, 60), random.Random(0))
    assert _checked(lines) == {"ann"}
    with pytest.raises(ValueError, match=r"writer.questions are for the built-in writer"):
        parse_recipe({"writer": {"use": "openai:http://localhost/v1#m", "questions": "faq.csv"}})


def test_facts_of_ones_own_stand_in_place_of_those_that_ship(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    own = tmp_path / "own" / "people.csv"
    own.write_text("name,pronoun\nQuilla,she\nZeno,he\nOrla,she\nTibor,he\nVesna,she\nAxel,he\n")
    (tmp_path / "mine.toml").write_text('topics = { small_talk = 1 }\n[writer]\nfacts = "own"\n')
    recipe = load_recipe(tmp_path / "mine.toml")
    assert recipe.writer.facts == str(tmp_path / "own")  # found beside the recipe
    brief = Brief("en", {"small_talk": 1.0, "opinion": 1.0}, NOTHING, 150)

    def said(writer: BuiltinWriter) -> str:
        return " ".join(line.text for seed in range(4) for line in writer.write(brief, random.Random(seed)))

    shipped = said(BuiltinWriter())
    assert "Quilla" in said(BuiltinWriter(recipe.writer.facts))
    assert "Quilla" not in shipped == said(BuiltinWriter())  # nothing of it stays behind
    known = recipe.digest()
    own.write_text("name,pronoun\nWilla,she\n")
    assert load_recipe(tmp_path / "mine.toml").digest() != known != CorpusRecipe(topics={"small_talk": 1.0}).digest()


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        (
            "name.csv",
            "name,pronoun\nQuilla,she\n",
            "nothing is drawn from a file of this name; did you mean 'names.csv'?",
        ),
        ("names.csv", "name\nQuilla\n", "names.csv:1: the columns are name, pronoun, with at least one row"),
        ("names.csv", "name,pronoun\nQuilla\n", "names.csv:2: 2 cells, please"),
        ("hobbies.json", "{", "hobbies.json is not valid JSON"),
        ("errands.json", '{"food": "tea"}', "errands.json: the keys are "),
        ("notes.txt", "", "holds no .csv or .json of facts; valid: "),
    ],
)
def test_facts_of_another_shape_are_refused(tmp_path: Path, file: str, text: str, told: str) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(ValueError, match=re.escape(told)):
        parse_recipe({"writer": {"facts": str(tmp_path)}})


def test_a_language_of_ones_own_is_a_file_beside_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synth.script.language._OWN", {})
    file = tmp_path / "sw.toml"
    text = language_file("it").read_text(encoding="utf-8").replace('name = "Italian"', 'name = "Swahili"')
    file.write_text(text, encoding="utf-8")
    (tmp_path / "talk.jsonl").write_text('{"turns": [{"speaker": "user", "text": "Habari ya asubuhi"}]}\n')
    (tmp_path / "mine.toml").write_text('language = "sw.toml"\nengine = "tones"\n')
    recipe = load_recipe(tmp_path / "mine.toml")
    assert (recipe.language, recipe.language_file) == ("sw", str(file))
    assert load_language("sw").name == "Swahili"
    (line,) = read_finished(tmp_path / "talk.jsonl", "sw")[0]
    assert line.text == "Habari ya asubuhi"
    assert speakable("Habari ya asubuhi", load_language("sw")) == "Habari ya asubuhi."
    with pytest.raises(ValueError, match=r"'5\.' cannot be read aloud; write numbers and signs as words"):
        speakable("Saa 5.", load_language("sw"))
    known = recipe.digest()
    monkeypatch.setattr("synth.script.language._OWN", {})  # as in another process, to which the recipe is sent
    pickle.loads(pickle.dumps(recipe)).take_language()
    assert load_language("sw").name == "Swahili"
    file.write_text(text.replace("Beh,", "Basi,"), encoding="utf-8")
    assert load_recipe(tmp_path / "mine.toml").digest() != known
    file.write_text("name = 1", encoding="utf-8")
    with pytest.raises(ValueError, match=r"sw.toml: name: Input should be a valid string"):
        load_recipe(tmp_path / "mine.toml")
    with pytest.raises(ValueError, match=r"swahili\.toml: name it by the code of its language"):
        parse_recipe({"language": "swahili.toml"})
    with pytest.raises(ValueError, match=r"did you mean 'sw'\? valid: de, en, es, fr, it, pt, sw, or a file of it"):
        parse_recipe({"language": "sx"})


def test_a_recipe_is_known_by_what_its_files_hold(tmp_path: Path) -> None:
    dumps = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "menu.toml").write_text(MENU)
        (tmp_path / folder / "mine.toml").write_text(
            'topics = { "menu.toml" = 1 }\n[writer]\nquestions = "menu.toml"\n'
        )
        dumps.append(load_recipe(tmp_path / folder / "mine.toml").digest())
    (tmp_path / "b/menu.toml").write_text(MENU.replace("soup", "salad"))
    assert dumps[0] == dumps[1] != load_recipe(tmp_path / "b/mine.toml").digest()
    assert "questions" not in CorpusRecipe().model_dump_json()


def test_families_and_seeds_stand_beside_those_that_ship(tmp_path: Path) -> None:
    (tmp_path / "bakery.toml").write_text(FAMILY)
    writer = {
        "use": "openai:http://localhost/v1#m",
        "prompts": str(tmp_path / "bakery.toml"),
        "families": {"bakery": 1},
    }
    recipe = parse_recipe({"writer": writer})
    brief = Brief("en", recipe.writer.families, NOTHING, 100)
    scenario = draw_scenario(brief, ("",), random.Random(0), recipe.writer.prompts)
    assert scenario.scene.endswith("calls a bakery for a plum cake.")
    assert "The agent: a baker" in whole_dialogue(scenario)[1].content
    shipped = parse_recipe({"writer": {"use": writer["use"]}}).digest()
    assert recipe.digest() != shipped != parse_recipe({"writer": {**writer, "families": {"everyday": 1}}}).digest()


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        ({"topics": {"bookings": 1}}, "did you mean 'booking'? valid: basics, beyond, booking"),
        ({"topics": {"no.toml": 1}}, "there is no file no.toml"),
        ({"writer": {"families": {"xyz": 1}}}, "unknown family 'xyz'; valid: everyday, false_facts"),
        ({"writer": {"families": {"bakerz": 1}, "prompts": "OWN"}}, "did you mean 'bakery'? valid: bakery, everyday"),
        (
            {"writer": {"families": {"bakery": 1}, "prompts": "BAD"}},
            "no [seeds] are called 'cakes'; did you mean 'cake'?",
        ),
    ],
)
def test_what_there_is_not_is_answered_with_what_there_is(tmp_path: Path, recipe: dict, told: str) -> None:  # type: ignore[type-arg]
    (tmp_path / "own.toml").write_text(FAMILY)
    (tmp_path / "bad.toml").write_text(FAMILY.replace("$cake", "$cakes"))
    names = {"OWN": str(tmp_path / "own.toml"), "BAD": str(tmp_path / "bad.toml")}
    if "prompts" in recipe.get("writer", {}):
        recipe = {"writer": {**recipe["writer"], "prompts": names[recipe["writer"]["prompts"]]}}
    with pytest.raises(ValueError, match=re.escape(told)) as caught:
        parse_recipe(recipe)
    assert "\n" not in str(caught.value)


def test_the_example_of_teaching_is_a_topic() -> None:
    lines = BuiltinWriter().write(Brief("en", {str(EXAMPLES / "pizza.toml"): 1.0}, NOTHING, 120), random.Random(1))
    assert len(_checked(lines)) >= 3
