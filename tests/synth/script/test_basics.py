"""The family `basics`: right answers, the agent's closed set of sentences, users who word things in many ways."""

from __future__ import annotations

import random
import re
from functools import cache

from synth.script.builtin.grammar import Grammar
from synth.script.builtin.macros import HOLD_WAIT
from synth.script.builtin.spoken import cardinal
from synth.script.builtin.stage import Stage
from synth.script.builtin.tables import phrases, table
from synth.script.builtin.talk import Talk
from synth.script.builtin.topics.basics import LARGEST, fact, total
from synth.script.builtin.writer import FAMILIES, BuiltinWriter
from synth.script.line import Behaviours, Brief, Line, plain_words
from synth.script.models.duplicates import NearDuplicateIndex

BEHAVIOURS = Behaviours(interruptions=0.12, repairs=0.02, asides=0.0, thinking=0.08, fillers=0.0)
DIGITS = {cardinal(number): number for number in range(20)}


def sentences(text: str) -> list[str]:
    return [part.strip() for part in re.findall(r"[^.?!]+[.?!]", text)]


@cache
def dialogues() -> tuple[tuple[int, list[Line]], ...]:
    """300 dialogues of 50 to 120 words with the length asked for."""
    written = []
    for seed in range(300):
        rng = random.Random(seed)
        words = rng.randint(50, 120)
        topics = {"basics": 1.0} if seed % 2 else {"basics": 1.0, "questions": 1.0}
        written.append((words, BuiltinWriter().write(Brief("en", topics, BEHAVIOURS, words), rng)))
    return tuple(written)


def closed_set() -> set[str]:
    """Every sentence of the agent, read from the tables."""
    told = [f"That's {cardinal(number)}." for number in range(LARGEST + 1)]
    told += [cell for row in table("basics") for cell in (row[2], row[4]) if cell]
    content = phrases("basics")
    told += [line for name, lines in content.items() if name != "chat" for line in lines]
    for one in content["chat"]:
        told += [*one["say"], one.get("back", "")]
        told += [line for _, reactions in one.get("replies", []) for line in reactions]
    told += HOLD_WAIT.strip("[]").split("|")
    return {sentence for text in told for sentence in sentences(text)}


def test_the_agent_speaks_a_closed_set() -> None:
    allowed = closed_set()
    agent = [line for _, lines in dialogues() for line in lines if line.speaker == "agent"]
    said = {sentence for line in agent for sentence in sentences(line.text)}
    assert said <= allowed, said - allowed
    assert 150 < len(said) <= len(allowed) <= 250
    assert len({word for line in agent for word in plain_words(line.text).split()}) <= 320
    users = [line.text for _, lines in dialogues() for line in lines if line.speaker == "user"]
    assert len(set(users)) > 0.7 * len(users)


def test_every_question_is_answered_rightly() -> None:
    asked = 0
    for _, lines in dialogues():
        answered = {line.answers for line in lines}
        for index, line in enumerate(lines):
            assert line.question is None or index in answered, line.text
            if line.answers is not None:
                question = lines[line.answers].question
                assert question is not None
                heard = " ".join(line.text.split()[: line.cut_word])
                assert f" {question.answer} " in f" {plain_words(heard)} ", line.text
                asked += 1
    assert asked > 500


def test_sums_and_facts() -> None:
    talk = Talk(Brief("en", {"basics": 1.0}), random.Random(3))
    for _ in range(400):
        one = total(talk)
        words = plain_words(talk.compose(one.ask, one.slots).text)
        numbers = [DIGITS[word] for word in words.split() if word in DIGITS]
        taken = re.search(r"minus|take|away|left", words)
        if taken and re.search(r"away from|left when|can you take", words):
            numbers.reverse()
        assert DIGITS[one.answer] == (numbers[0] - numbers[1] if taken else sum(numbers)), words
        assert one.tell == f"That's {one.answer}."
        assert one.wrong != one.answer
    for row in table("basics"):
        one, _ = fact(talk)
        assert f" {one.answer} " in f" {plain_words(one.tell)} "
        assert plain_words(one.wrong) != one.answer
        assert 3 <= len(row[2].split()) <= 7
    told = [row[2] for row in table("basics")]
    assert len(set(told)) == len(told) >= 60


def test_structure_and_lengths() -> None:
    cut = 0
    for words, lines in dialogues():
        spoken = sum(len(line.text.split()[: line.cut_word]) for line in lines)
        assert 0.7 * words <= spoken <= 1.3 * words
        assert [line.speaker for line in lines[-2:]] == ["user", "agent"]
        for index, line in enumerate(lines):
            assert re.fullmatch(r"(?:[A-Za-z]+(?:['-][A-Za-z]+)*[,.?!]? )*[A-Za-z]+(?:['-][A-Za-z]+)*[.?!]", line.text)
            assert not re.search(r"(^|[.?!] )[a-z]", line.text), line.text
            if index and lines[index - 1].speaker == line.speaker:
                assert lines[index - 1].event == "hold", line.text
            if line.cut_word is not None:
                cut += 1
                assert (lines[index + 1].event, lines[index + 1].speaker) == ("interrupt", "user")
    assert cut > 10


def test_no_two_dialogues_are_alike() -> None:
    texts = [" ".join(line.text for line in lines) for _, lines in dialogues()]
    index = NearDuplicateIndex()
    assert max(map(index.add, texts)) < 0.95


def test_the_families_of_questions_ask_twice_as_much_in_the_same_frame() -> None:
    asked = dict.fromkeys(("basics", "questions", "sums"), 0)
    for family in asked:
        for seed in range(60):
            lines = BuiltinWriter().write(Brief("en", {family: 1.0}, BEHAVIOURS, 80), random.Random(seed))
            questions = [line.question for line in lines if line.question is not None]
            assert family != "sums" or {question.kind for question in questions} == {"arithmetic"}
            asked[family] += len(questions)
            assert {sentence for part in (lines[-1], lines[0]) if part.speaker == "agent"
                    for sentence in sentences(part.text)} <= closed_set()  # fmt: skip
    assert min(asked["questions"], asked["sums"]) > 1.8 * asked["basics"]


def test_what_lies_beyond_is_declined_and_asked_like_what_is_known() -> None:
    known = {row[0] for row in table("basics")}
    declines, asked = set(phrases("basics")["beyond"]), list[str]()
    for seed in range(60):
        lines = BuiltinWriter().write(Brief("en", {"beyond": 1.0}, BEHAVIOURS, 80), random.Random(seed))
        assert not any(line.question for line in lines)
        agent = {sentence for line in lines if line.speaker == "agent" for sentence in sentences(line.text)}
        assert agent <= closed_set()
        assert agent & declines
        asked += [line.text for line in lines if line.speaker == "user" and line.topic == "beyond"]
    assert sum("capital" in text for text in asked) > 10
    assert not any(country in text for text in asked for country in ("France", "Japan", "Egypt") if "capital" in text)
    assert len(set(asked)) > 0.8 * len(asked)
    assert any("France" in row for row in known)


def test_other_families_keep_their_frame() -> None:
    assert not {"basics", "questions", "sums", "beyond"} & set(FAMILIES)
    lines = BuiltinWriter().write(Brief("en", {"basics": 1.0, "checkable": 1.0}, words=300), random.Random(5))
    assert {"basics", "checkable"} <= {line.topic for line in lines}
    grammar = Grammar(random.Random(1), {})
    stage = Stage(Brief("en", {"basics": 1.0}), random.Random(1))
    for row in table("basics"):
        assert grammar.compose(f"{row[0]}?", stage.slots).text.endswith("?")
