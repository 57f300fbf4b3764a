"""Finished dialogues are said word for word, in order; what is wrong with a file is told with the place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from synth.plan import Planner
from synth.recipe import CorpusRecipe, parse_recipe
from synth.script.finished import read_finished
from synth.script.writers import load_writer
from synth.speaking.acoustics import load_noise_bank
from synth.voices.bank import load_bank

PIZZA = {
    "id": "p0",
    "turns": [
        {"speaker": "user", "text": "What is a Margherita, please?", "question": {"kind": "menu", "answer": "tomato"}},
        {"speaker": "agent", "text": "Tomato and cheese, for $8.50.", "answers": 0, "topic": "menu"},
        {"speaker": "user", "text": "Hm, and number two?", "gap": -0.4},
    ],
}


def planner(path: Path) -> Planner:
    recipe = parse_recipe({"engine": "piper", "writer": {"use": f"scripts:{path}"}})
    return Planner(recipe, 0, load_bank(), load_noise_bank(), load_writer(recipe.writer.use, recipe.writer.manner()))


def test_a_plan_says_them_word_for_word_in_order_and_again(tmp_path: Path) -> None:
    path = tmp_path / "pizza.jsonl"
    other = {"turns": [{"speaker": "agent", "text": "Good evening!"}]}
    path.write_text(f"\ufeff{json.dumps(PIZZA)}\n\n{json.dumps(other)}\n")
    planned = planner(path)
    planned.check()
    plans = [planned.plan(number) for number in range(3)]
    said = [[turn.text for turn in plan.turns if turn.event != "backchannel"] for plan in plans]
    assert said[0] == [
        "What is a Margherita, please?",
        "Tomato and cheese, for eight dollars fifty.",
        "Hm, and number two?",
    ]
    assert said[1] == ["Good evening!"]
    assert said[2] == said[0]
    turns = [turn for turn in plans[0].turns if turn.event != "backchannel"]
    assert turns[2].offset == -0.4
    assert turns[1].answers == turns[0].index
    assert plans[0].topics == ("menu",)


def test_a_corpus_is_known_by_what_the_file_holds_and_not_by_where_it_lies(tmp_path: Path) -> None:
    digests = []
    for name, text in (("a.jsonl", "Hello."), ("b.jsonl", "Hello."), ("c.jsonl", "Goodbye.")):
        (tmp_path / name).write_text(json.dumps({"turns": [{"speaker": "agent", "text": text}]}))
        digests.append(planner(tmp_path / name).recipe.digest())
    assert digests[0] == digests[1] != digests[2]
    assert digests[0] != CorpusRecipe(engine="piper").digest()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"turns": []}', "x.jsonl:2: turns: "),
        ('{"turns": [{"speaker": "cat", "text": "x"}]}', "x.jsonl:2: turns.0.speaker: "),
        ('{"turns": [{"speaker": "user", "txt": "x"}]}', "did you mean 'text'?"),
        ('{"turns": [{"speaker": "user", "text": "→"}]}', "dialogue 2: turns.0.text: '→' cannot be read aloud"),
        ('{"turns": [{"speaker": "user", "text": "x", "answers": 0}]}', "turns.0.answers: turn 0 asks no checkable"),
        ('{"id": "p0", "turns": [{"speaker": "user", "text": "x"}]}', "dialogue 2 (p0): its id is that of an earlier"),
        ("{", "x.jsonl:2: "),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(f"{json.dumps(PIZZA)}\n{line}\n")
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        read_finished(path, "en")
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_or_holds_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot read the scripts"):
        planner(tmp_path / "none.jsonl").check()
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(ValueError, match="holds no dialogue; write one to a line"):
        read_finished(tmp_path / "empty.jsonl", "en")
