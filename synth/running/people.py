"""Recorded users made ready before a job begins: heard where nobody wrote down what they say, their words timed."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from codec.metrics import Skipped, load_recognizer

from ..recipe import CorpusRecipe
from ..voices.recorded import prepare
from ..voices.recorded.words import Recognise


def prepare_people(recipe: CorpusRecipe, *, silent: bool = False) -> int:
    """Time the words of a recipe's recordings that are not timed yet, with a progress line; returns how many were.

    Raises:
        ValueError: see `prepare`; or the recipe's whisper model cannot be loaded.
    """
    if not recipe.users.recordings:
        return 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=silent) as progress:
        task = progress.add_task("timing recordings", total=None)

        def told(done: int, of: int) -> None:
            progress.update(task, completed=done, total=of)

        return prepare(recipe.users, recipe.language, _recogniser(recipe), told, recipe.aligner)


def _recogniser(recipe: CorpusRecipe) -> Recognise | None:
    """What hears recordings without transcript, if the recipe names a model. Loaded when first asked."""
    if not recipe.users.whisper:
        return None
    recogniser = load_recognizer(recipe.users.whisper, recipe.language)
    if isinstance(recogniser, Skipped):
        raise ValueError(f"users.whisper: {recogniser.reason}")
    return recogniser.transcribe
