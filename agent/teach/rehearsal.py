"""What the base knew before: the talk that it was made from, practised on a little and asked for in the examination."""

from __future__ import annotations

from pathlib import Path

from synth.recipe import CorpusRecipe, parse_recipe
from synth.running.generate import CorpusOrder, generate

from .order import TeachOrder
from .stages import QUIET, ROOMS, Advance, Stage, voices_of
from .state import digest_of

REHEARSAL, KNOWN = "rehearsal", "exam-known"
ASKED = 10  # dialogues of the examination
SLACK_HOURS = 1.0  # far more than these last


def rehearsed(order: TeachOrder) -> Stage:
    """Speak so many minutes of it with the voices that are taught."""
    recipe, hours = _recipe(order, REHEARSAL, exam=False), order.recipe.rehearsal / 60
    return _spoken(order, REHEARSAL, "speaking what it knew before", 0.04, recipe, hours, 0)


def asked_again(order: TeachOrder) -> Stage:
    """Speak a few dialogues of it with the voices held out."""
    title = "preparing the examination, what it knew before"
    return _spoken(order, KNOWN, title, 0.04, _recipe(order, KNOWN, exam=True), SLACK_HOURS, ASKED)


def _spoken(
    order: TeachOrder, name: str, title: str, share: float, recipe: CorpusRecipe, hours: float, dialogues: int
) -> Stage:
    seed = order.recipe.seed + (1 if dialogues else 0)  # an examination asks otherwise than was rehearsed

    def work(folder: Path, advance: Advance) -> None:
        asked = CorpusOrder(folder, hours, recipe, seed, order.workers, dialogues=dialogues)
        generate(asked, silent=True, heed=lambda done: advance(done, dialogues or 2 * done))

    return Stage(name, title, share, digest_of(recipe.model_dump_json(), hours, seed, dialogues), work)


def _recipe(order: TeachOrder, name: str, exam: bool) -> CorpusRecipe:
    """As `datasets/conversation.toml` and `datasets/probes.toml` have it, which the shipped model was made with."""
    return parse_recipe(
        {
            "name": name,
            "language": order.syllabus.language,
            "engine": order.recipe.voices.speaker,
            "timing": "assistant",
            "topics": {"basics": 1.0} if exam else {"basics": 1.0, "questions": 1.0},
            "length": {"shortest": 50, "longest": 120},
            "behaviours": {
                "interruptions": 0.0 if exam else 0.12,
                "repairs": 0.0 if exam else 0.02,
                "asides": 0.0,
                "thinking": 0.0 if exam else 0.08,
                "fillers": 0.0,
            },
            "voices": voices_of(order, held_out=exam, blend=not exam),
            "acoustics": QUIET if exam else ROOMS,
        }
    )
