"""A script's user lines given to a person: what is said is what was recorded, who speaks when stays as written.

The person does not answer the agent: such dialogues teach hearing people and taking turns with them, not sense.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from corpus.record import RecordedSpan

from ...script.line import Line
from .people import People, Person, Stretch

ENOUGH = 0.8  # of the words asked for, said by a person without repeating anything
ALTERNATIVES = 4  # stretches of about the right length to draw from


def cast(
    lines: Sequence[Line], people: People, rng: random.Random
) -> tuple[Person, list[Line], dict[int, RecordedSpan]]:
    """Draw a person and lay their phrases in place of the user's lines.

    A line becomes the run of phrases nearest to it in words that was not said yet; after all were said they are said
    again. Questions with a checkable answer lose it.

    Returns:
        The person, the lines, and where the words of each user line (by its number) were recorded.
    """
    wanted = [len(line.text.split()) if line.speaker == "user" else 0 for line in lines]
    person = _draw(people, sum(wanted), rng)
    said: set[tuple[int, int]] = set()  # (recording, phrase)
    out: list[Line] = []
    spans: dict[int, RecordedSpan] = {}
    for number, line in enumerate(lines):
        line = replace(line, question=None, answers=None)
        if line.speaker == "user":
            stretch = _nearest(person, wanted[number], said, rng)
            phrases = person.recordings[stretch.clip]
            said.update((stretch.clip, phrase) for phrase in range(stretch.first, stretch.last))
            spans[number] = phrases.span(stretch.first, stretch.last)
            line = _as_said(line, phrases.text(stretch.first, stretch.last), _pauses(person, stretch), wanted[number])
        out.append(line)
    return person, out, spans


def _draw(people: People, words: int, rng: random.Random) -> Person:
    """Somebody who has enough to say; else one of those with most."""
    able = [person for person in people.persons if person.vocabulary >= ENOUGH * words]
    if not able:
        most = max(person.vocabulary for person in people.persons)
        able = [person for person in people.persons if person.vocabulary >= most / 2]
    return rng.choice(able)


def _nearest(person: Person, words: int, said: set[tuple[int, int]], rng: random.Random) -> Stretch:
    fresh = [
        stretch
        for stretch in person.stretches
        if not any((stretch.clip, phrase) in said for phrase in range(stretch.first, stretch.last))
    ]
    if not fresh:
        said.clear()
        fresh = list(person.stretches)
    near = sorted(fresh, key=lambda stretch: abs(stretch.words - words))[:ALTERNATIVES]
    best = abs(near[0].words - words)
    return rng.choice([stretch for stretch in near if abs(stretch.words - words) <= best + words // 5])


def _pauses(person: Person, stretch: Stretch) -> list[int]:
    """Words of a stretch before each pause inside it."""
    bounds = person.recordings[stretch.clip].bounds
    return [bounds[phrase] - bounds[stretch.first] for phrase in range(stretch.first + 1, stretch.last)]


def _as_said(line: Line, text: str, pauses: Sequence[int], written: int) -> Line:
    """The line with another text: cut about as early, thinking at a pause of the speaker's if there is one."""
    words = len(text.split())
    cut, think = line.cut_word, line.think
    if cut is not None:
        cut = min(max(round(cut * words / written), 1), words)
    if think is not None:
        think = min(pauses, key=lambda pause: abs(pause * written - (line.think or 0) * words), default=None)
    return replace(line, text=text, act="inform", cut_word=cut, think=think)
