"""A syllabus as finished dialogues: many to practise with, and a few to be examined by.

A dialogue of practice is a greeting and a few questions, or one of the small dialogues with its slots filled. Every
wording comes as often as every other. Examined is by one question at a time, in wordings that were taught or not.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from corpus.record import Question

from .finished import FinishedDialogue, FinishedTurn
from .language import Language, load_language
from .syllabus import SLOT, Syllabus, TaughtDialogue, parted, plain

TOGETHER = 4  # questions in a dialogue
BETWEEN = 0.5  # s from turn to turn, about
KIND = "taught"  # of the questions, in records


@dataclass(frozen=True)
class TaughtExchange:
    """One exchange, filled in."""

    user: str
    agent: str
    key: str
    asked: bool = True  # whether to judge the answer


def practice(syllabus: Syllabus, seconds: float, seed: int = 0) -> list[FinishedDialogue]:
    """Dialogues that last about so long together, the same for the same seed."""
    rng, dialogues, lasted = random.Random(seed), list[FinishedDialogue](), 0.0
    language = load_language(syllabus.language)
    while True:
        for exchanges in _round(syllabus, rng):
            dialogues.append(_dialogue(f"p{len(dialogues)}", syllabus, exchanges, language))
            lasted += about_seconds(dialogues[-1], language)
            if lasted >= seconds:
                return dialogues


def examination(syllabus: Syllabus, new: bool, seed: int = 0) -> list[FinishedDialogue]:
    """One dialogue for each question and small dialogue, asked in a wording that was taught or in every `new` one."""
    rng, language = random.Random(seed), load_language(syllabus.language)
    asked: list[list[TaughtExchange]] = []
    for wordings, judge, answer, key in _questions(syllabus):
        chosen = parted(wordings, judge)[1] if new else (rng.choice(parted(wordings, judge)[0]),)
        asked += [[TaughtExchange(wording, answer, key)] for wording in chosen]
    for dialogue in syllabus.dialogue:
        said = list(filled(dialogue, _drawn(syllabus, rng), rng, new))
        if any(each.asked for each in said):
            asked.append(said)
    return [_dialogue(f"e{number}", syllabus, said, language) for number, said in enumerate(asked)]


def about_seconds(dialogue: FinishedDialogue, language: Language) -> float:
    """About how long a dialogue lasts once it is spoken."""
    words = sum(len(turn.text.split()) for turn in dialogue.turns)
    return words * 60 / language.words_per_minute + BETWEEN * len(dialogue.turns)


def _questions(syllabus: Syllabus) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], str, str]]:
    """Wordings, wordings for judging only, answer and its key, of all that is asked by itself."""
    for each in syllabus.question:
        yield each.ask, each.judge, each.answer, each.key or each.answer
    if syllabus.off_topic:
        yield syllabus.off_topic, (), syllabus.unknown, syllabus.unknown


def questions_of(syllabus: Syllabus) -> Iterator[tuple[TaughtExchange, ...]]:
    """Every question in each wording that may be practised."""
    for wordings, judge, answer, key in _questions(syllabus):
        yield tuple(TaughtExchange(wording, answer, key) for wording in parted(wordings, judge)[0])


def _round(syllabus: Syllabus, rng: random.Random) -> list[list[TaughtExchange]]:
    """Dialogues in which every wording that is taught occurs once, and every value of a slot about once."""
    single = [exchange for wordings in questions_of(syllabus) for exchange in wordings]
    rng.shuffle(single)
    made = [single[first : first + TOGETHER] for first in range(0, len(single), TOGETHER)]
    for dialogue in syllabus.dialogue:
        most = max(len(parted(turn.user, turn.judge)[0]) for turn in dialogue.turns)
        slots = {slot for turn in dialogue.turns for text in turn.user for slot in SLOT.findall(text)}
        for _ in range(max([most, *(len(syllabus.values[slot]) for slot in slots)])):
            made.append(list(filled(dialogue, _drawn(syllabus, rng), rng, False)))
    rng.shuffle(made)
    return made


def _drawn(syllabus: Syllabus, rng: random.Random) -> dict[str, str]:
    return {slot: rng.choice(values) for slot, values in syllabus.values.items()}


def filled(
    dialogue: TaughtDialogue, values: Mapping[str, str], rng: random.Random, new: bool
) -> Iterator[TaughtExchange]:
    """The exchanges of a small dialogue with these values; only those in new wordings are judged, if `new`."""
    for turn in dialogue.turns:
        taught, kept = parted(turn.user, turn.judge)
        wording = rng.choice(kept if new and kept else taught)
        said = [SLOT.sub(lambda slot: values[slot[1]], text) for text in (wording, turn.agent, turn.key or turn.agent)]
        user, agent, key = (text[:1].upper() + text[1:] for text in said)
        yield TaughtExchange(user, agent, key, asked=bool(kept) or not new)


def _dialogue(id: str, syllabus: Syllabus, exchanges: list[TaughtExchange], language: Language) -> FinishedDialogue:
    turns = [FinishedTurn(speaker="agent", text=syllabus.greeting, act="greet")] if syllabus.greeting else []
    for each in exchanges:
        question = Question(kind=KIND, answer=plain(each.key, language)) if each.asked else None
        answers = len(turns) if question else None
        turns.append(FinishedTurn(speaker="user", text=each.user, act="ask", question=question))
        turns.append(FinishedTurn(speaker="agent", text=each.agent, act="answer", answers=answers))
    return FinishedDialogue(id=id, turns=tuple(turns))
