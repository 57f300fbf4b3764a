"""The built-in writer does not wear out: words, sentences and phrases of many dialogues; one dialect, fitting names."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from functools import cache

import pytest

from synth.script.builtin.behaviours import clause_start
from synth.script.builtin.flow import _AMERICAN, _BRITISH, flow
from synth.script.builtin.tables import table
from synth.script.builtin.writer import FAMILIES, BuiltinWriter
from synth.script.line import Brief, Line, plain_words

EQUAL = dict.fromkeys(FAMILIES, 1.0)
COUNT = 500  # dialogues, about fifteen hours; bench/synth/variety.py measures a hundred


@cache
def dialogues() -> tuple[list[Line], ...]:
    writer = BuiltinWriter()
    return tuple(writer.write(Brief("en", EQUAL, words=280), random.Random(seed)) for seed in range(COUNT))


def sentences() -> list[str]:
    texts = [line.text for lines in dialogues() for line in lines]
    return [one.strip() for text in texts for one in re.findall(r"[^.?!]+[.?!]", text)]


def test_words_and_sentences_are_many() -> None:
    said = Counter(sentences())
    total = sum(said.values())
    words = [word for lines in dialogues() for line in lines for word in plain_words(line.text).split()]
    grams = list(zip(words, words[1:], words[2:], words[3:], strict=False))
    assert len(set(words)) >= 5500
    assert len(said) / total >= 0.72
    assert len(set(grams)) / len(grams) >= 0.55
    phrase, times = said.most_common(1)[0]
    assert times / total <= 0.004, phrase


def test_a_dialogue_keeps_to_one_dialect() -> None:
    only = {"en-US": set(_AMERICAN.values()) - set(_BRITISH), "en-GB": set(_AMERICAN) - set(_BRITISH.values())}
    clear = {"truck", "lorry", "colour", "color", "biscuit", "cookie", "neighbour", "neighbor", "flatmate", "roommate"}
    for lines in dialogues():
        free = [line for line in lines if line.question is None and line.answers is None]
        words = {word for line in free for word in plain_words(line.text).split()} & clear
        assert not (words & only["en-US"] & set(_AMERICAN.values()) and words & set(_AMERICAN)), words


@pytest.mark.parametrize(("agent", "user"), [("she", "he"), ("he", "she"), ("he", "")])
def test_names_fit_the_voices(agent: str, user: str) -> None:
    whose = dict(table("people"))
    told = Counter[str]()
    for seed in range(60):
        lines = BuiltinWriter().write(Brief("en", EQUAL, words=150, agent=agent, user=user), random.Random(seed))
        for line in lines[:2]:
            found = re.search(r"(?:I'm|this is|[Ii]t's|This is) ([A-Z][a-z]+)", line.text) or re.search(
                r"([A-Z][a-z]+) here", line.text
            )
            if found and found[1] in whose:
                wanted = agent if line.speaker == "agent" else user
                told[line.speaker] += 1
                assert not wanted or whose[found[1]] == wanted, line.text
    assert min(told["agent"], told["user"]) > 5


def test_greetings_fit_the_hour() -> None:
    for lines in dialogues():
        greeted = " ".join(line.text.lower() for line in lines[:3])
        parts = set(re.findall(r"good (morning|afternoon|evening)", greeted))
        assert len(parts) <= 1


def test_a_restart_begins_at_a_clause() -> None:
    words = [
        "You",
        "can",
        "take",
        "the",
        "bus,",
        "and",
        "then",
        "you",
        "walk",
        "to",
        "the",
        "end",
        "of",
        "the",
        "road.",
    ]
    assert clause_start(words, 12) == 6  # "then you walk": after "and" comes the joint itself
    assert clause_start(words, 5) == 5
    assert clause_start(["I", "left", "it", "on", "the", "table", "in", "the", "hall", "for", "you."], 6) == 0
    bare = {"with", "for", "on", "in", "at", "to", "from", "by", "into", "past", "after", "before", "of"}
    first = []
    for lines in dialogues():
        for line in (line for line in lines if line.event == "resume"):
            said, cut = plain_words(line.text), plain_words(lines[line.reply_to or 0].text).split()
            first.append(next(cut[at] for at in range(len(cut)) if said.endswith(" ".join(cut[at:]))))
    assert len(first) > 50
    assert sum(word in bare for word in first) / len(first) < 0.03


def test_short_sentences_lean_on_the_next_and_nothing_else_changes() -> None:
    lines = [
        Line("agent", "Great. How many are you? Fine.", "ask"),
        Line("user", "Okay. Anna is coming. I think so. Bye.", "inform", cut_word=4),
    ]
    out = flow(lines, ("Joe", "Ann"), random.Random(1))
    for before, after in zip(lines, out, strict=True):
        assert plain_words(after.text).split()[: len(before.text.split())] == plain_words(before.text).split()
        assert (after.cut_word, after.act) == (before.cut_word, before.act)
    assert out[0].text.startswith("Great, how many")
    assert "Anna is" in out[1].text


def test_the_small_agents_families_are_written_as_ever() -> None:
    """What the shipped agent was trained on; another digest means that its recipes no longer give the same."""
    digest = hashlib.sha256()
    for topics in ({"basics": 1.0}, {"questions": 1.0}, {"sums": 1.0}, {"basics": 1.0, "questions": 2.0}):
        for seed in range(25):
            for line in BuiltinWriter().write(Brief("en", topics, words=120), random.Random(seed)):
                kept = (line.speaker, line.text, line.act, line.event, line.cut_word, line.think, line.answers)
                digest.update(repr((*kept, line.reply_to)).encode())
    assert digest.hexdigest() == "51fb83d55967db38ebf9044287b7b2025c51ce98d7345fbd9d017deba6f41ed4"
