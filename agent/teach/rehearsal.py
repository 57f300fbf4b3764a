"""What the base knew before: the talk that it was made from, practised on a little and asked for in the examination."""

from __future__ import annotations

from pathlib import Path

from synth.recipe import CorpusRecipe, parse_recipe
from synth.running.generate import CorpusOrder, generate

from .order import TeachOrder
from .stages import QUIET, ROOMS, SLACK, Advance, TeachStage, voices_of
from .state import digest_of

REHEARSAL, KNOWN = "rehearsal", "exam-known"
ABOUT = 35.0  # s that one of its dialogues lasts


def rehearsed(order: TeachOrder) -> TeachStage:
    """Speak so many minutes of it with the voices that are taught."""
    seconds = 60 * order.recipe.rehearsal
    return _spoken(order, REHEARSAL, "speaking what it knew before", seconds, 0)


def asked_again(order: TeachOrder) -> TeachStage:
    """Speak a few dialogues of it with the voices held out."""
    asked = order.recipe.known
    return _spoken(order, KNOWN, "preparing the examination, what it knew before", SLACK * ABOUT * asked, asked)


def _spoken(order: TeachOrder, name: str, title: str, seconds: float, dialogues: int) -> TeachStage:
    recipe = _recipe(order, name, exam=dialogues > 0)
    seed = order.recipe.seed + (dialogues > 0)  # an examination asks otherwise than was rehearsed

    def work(folder: Path, advance: Advance) -> None:
        asked = CorpusOrder(folder, seconds / 3600, recipe, seed, order.workers, dialogues=dialogues)
        generate(asked, silent=True, heed=lambda done: advance(done, dialogues or seconds / ABOUT))

    return TeachStage(name, title, 0.04, digest_of(recipe.model_dump_json(), seconds, seed, dialogues), work)


def read_recipe(order: TeachOrder) -> CorpusRecipe:
    """The talk that is read: `datasets/reading.toml` with the order's voices, more questions than are heard."""
    talk = {
        "name": "reading",
        "topics": {"basics": 1.0, "questions": 2.0, "sums": 3.0},
        "behaviours": {"interruptions": 0.05, "repairs": 0.02, "asides": 0.0, "thinking": 0.08, "fillers": 0.0},
    }
    return parse_recipe({**_common(order, exam=False), **talk})


def _recipe(order: TeachOrder, name: str, exam: bool) -> CorpusRecipe:
    """As `datasets/conversation.toml` and `datasets/probes.toml` have it, which the shipped model was made with."""
    talk = {
        "name": name,
        "topics": {"questions": 1.0} if exam else {"basics": 1.0, "questions": 1.0},
        "behaviours": {
            "interruptions": 0.0 if exam else 0.12,
            "repairs": 0.0 if exam else 0.02,
            "asides": 0.0,
            "thinking": 0.0 if exam else 0.08,
            "fillers": 0.0,
        },
        "acoustics": QUIET if exam else ROOMS,
    }
    return parse_recipe({**_common(order, exam), **talk})


def _common(order: TeachOrder, exam: bool) -> dict[str, object]:
    return {
        "language": order.syllabus.language,
        "engine": order.recipe.voices.speaker,
        "timing": "assistant",
        "length": {"shortest": 50, "longest": 120},
        "voices": voices_of(order, held_out=exam),
    }
