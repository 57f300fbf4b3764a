"""Prompts: what a model is told to write, composed from the files in `prompts/` and what is drawn from their lists."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Literal

from corpus.strict import Strict, parse
from corpus.suggestion import all_names
from corpus.toml import parse_toml, read_toml

from ..language import Language, language_file, load_language
from ..line import Brief, plain_words
from .chat import ChatMessage

FAMILIES = (
    "everyday", "service", "knowledge", "role_play", "style", "mispronunciation", "false_facts", "refusals",
    "maths_trivia",
)  # fmt: skip
WORDS_PER_TURN = 11
_SLOT = re.compile(r"\$(\w+)")
_LARGEST_TERM = {"plus": 49, "minus": 99, "times": 12}


class Family(Strict):
    """One kind of dialogue: what happens, who calls, how the agent behaves, how many checkable questions there are."""

    scene: str
    user: str
    agent: str
    questions: int = 0


class Prompts(Strict):
    """The prompts of one language; `prompts/README.md` says what each is for."""

    system: str
    ask: str
    again: str
    questions: str
    speaker: str
    user_is: str
    agent_is: str
    begin: str
    close: str
    families: dict[str, Family]
    seeds: dict[str, list[str] | list[tuple[str, str]] | dict[str, str]]


@dataclass(frozen=True)
class CheckableQuestion:
    """A question that a program can check; `answer` as in `corpus.record.Question`."""

    kind: str
    question: str
    answer: str


@dataclass(frozen=True)
class Scenario:
    """One dialogue to write."""

    language: Language
    family: str
    words: int
    scene: str
    user: str
    agent: str
    checks: tuple[CheckableQuestion, ...]
    prompts: Prompts


@cache
def load_prompts(code: str, own: str = "") -> Prompts:
    """The prompts of a language.

    Args:
        code: of the language.
        own: a TOML file whose texts, families and seeds stand in place of those that ship, or beside them.

    Raises:
        ValueError: there are none, the file cannot be read, or a list that a family draws from is missing.
    """
    path = files(__package__) / "prompts" / f"{code}.toml"
    shipped = parse_toml(path.read_text(encoding="utf-8"), f"{code}.toml") if path.is_file() else {}
    given = read_toml(own, "prompts") if own else {}
    if not shipped and not given:
        language = load_language(code).name
        raise ValueError(f"there are no prompts in {language}; write a file of them and name it as writer.prompts")
    tables = {name: {**shipped.get(name, {}), **given.get(name, {})} for name in ("families", "seeds")}
    prompts = parse({**shipped, **given, **tables}, Prompts, own or f"{code}.toml")
    for name, family in prompts.families.items():
        for slot in sorted(_slots(family) - {"passage"} - set(prompts.seeds)):
            raise ValueError(f"{own}: families.{name}: no [seeds] are called {slot!r}{all_names(slot, prompts.seeds)}")
    return prompts


def _slots(family: Family) -> set[str]:
    """The lists that a family's texts draw from."""
    return set(_SLOT.findall(f"{family.scene} {family.user} {family.agent}"))


def load_passages(path: str) -> tuple[str, ...]:
    """Paragraphs of a text file, one to a line; those that ship if `path` is empty. ValueError for an unusable file."""
    if not path:
        text = (files(__package__) / "prompts" / "passages.txt").read_text(encoding="utf-8")
    else:
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"cannot read the passages {path}: {error}") from None
    passages = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not passages:
        raise ValueError(f"{path} holds no passage; write one to a line")
    return passages


def prompts_digest(code: str, passages: Sequence[str], own: str = "") -> str:
    """sha256 of everything that decides what a model is asked in a language."""
    shipped = files(__package__) / "prompts" / f"{code}.toml"
    parts = [shipped.read_bytes()] if shipped.is_file() else []
    parts += [language_file(code).read_bytes(), *([Path(own).read_bytes()] if own else [])]
    return hashlib.sha256(b"\0".join([*parts, *(passage.encode() for passage in passages)])).hexdigest()


def draw_scenario(brief: Brief, passages: Sequence[str], rng: random.Random, own: str = "") -> Scenario:
    """Choose a family by the brief's weights and fill its texts from the lists of the language; `own`: prompts."""
    prompts, language = load_prompts(brief.language, own), load_language(brief.language)
    known = [name for name in FAMILIES if name in prompts.families]
    known += [name for name in prompts.families if name not in FAMILIES]
    names = [name for name in known if brief.topics.get(name, 0) > 0]
    family = rng.choices(names, [brief.topics[name] for name in names])[0]
    plan = prompts.families[family]
    drawn = {"passage": rng.choice(passages)}
    for name in sorted(_slots(plan) - {"passage"}):
        drawn[name] = str(rng.choice(list(prompts.seeds[name])))
    scene, user, agent = (Template(text).substitute(drawn) for text in (plan.scene, plan.user, plan.agent))
    count = min(plan.questions, max(1, brief.words // 50)) if plan.questions else 0
    checks = _checks(prompts, language, count, rng)
    return Scenario(language, family, brief.words, scene, user, agent, checks, prompts)


def whole_dialogue(scenario: Scenario) -> list[ChatMessage]:
    """The messages that ask for a whole dialogue as JSON."""
    prompts = scenario.prompts
    listed = "\n".join(
        f"{number}. {check.question} -> {check.answer}" for number, check in enumerate(scenario.checks, 1)
    )
    values = _parts(scenario) | {
        "words": str(scenario.words),
        "turns": str(max(4, round(scenario.words / WORDS_PER_TURN))),
        "questions": Template(prompts.questions).substitute(listed=listed) if listed else "",
    }
    return [ChatMessage("system", prompts.system), ChatMessage("user", Template(prompts.ask).substitute(values))]


def ask_again(scenario: Scenario, problem: str) -> ChatMessage:
    """The message that says what was wrong with an answer and asks for another."""
    return ChatMessage("user", Template(scenario.prompts.again).substitute(problem=problem))


def next_turn(
    scenario: Scenario, speaker: Literal["agent", "user"], said: Sequence[tuple[str, str]], *, last: bool
) -> list[ChatMessage]:
    """The messages that ask for one turn of `speaker`, after (speaker, text) turns; `last`: to say goodbye."""
    prompts = scenario.prompts
    who = Template(prompts.user_is if speaker == "user" else prompts.agent_is).substitute(_parts(scenario))
    messages = [ChatMessage("system", Template(prompts.speaker).substitute(scene=scenario.scene, who=who))]
    if not said or said[0][0] == speaker:
        messages.append(ChatMessage("user", prompts.begin))
    messages += [ChatMessage("assistant" if who == speaker else "user", text) for who, text in said]
    if last:
        messages[-1] = ChatMessage(messages[-1].role, f"{messages[-1].content} {prompts.close}")
    return messages


def _parts(scenario: Scenario) -> dict[str, str]:
    return {"scene": scenario.scene, "user": scenario.user, "agent": scenario.agent}


def _checks(prompts: Prompts, language: Language, count: int, rng: random.Random) -> tuple[CheckableQuestion, ...]:
    trivia, sums = prompts.seeds["trivia"], prompts.seeds["sums"]
    assert isinstance(trivia, list)
    assert isinstance(sums, dict)
    checks = []
    for question, answer in rng.sample(trivia, min(count // 2, len(trivia))):
        checks.append(CheckableQuestion("trivia", question, plain_words(answer)))
    for _ in range(count - len(checks)):
        checks.append(_sum(sums, language, rng))
    rng.shuffle(checks)
    return tuple(checks)


def _sum(sums: Mapping[str, str], language: Language, rng: random.Random) -> CheckableQuestion:
    kind = rng.choice(sorted(sums))
    a, b = (rng.randint(2, _LARGEST_TERM[kind]) for _ in range(2))
    if kind == "minus":
        a, b = max(a, b), min(a, b)
    result = {"plus": a + b, "minus": a - b, "times": a * b}[kind]
    say = language.numbers.cardinal
    return CheckableQuestion("arithmetic", sums[kind].format(a=say(a), b=say(b)), plain_words(say(result)))
