"""Reference voices matched with an engine's speakers before a job begins, with a progress line."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..recipe import CorpusRecipe
from ..voices.matched import matched_voices


def prepare_casts(recipe: CorpusRecipe, *, silent: bool = False) -> None:
    """Match the voices of a recipe's banks, those that are not matched yet; nothing where it does not ask for that.

    Raises:
        ValueError: see `matched_voices`.
    """
    if not recipe.voices.cast:
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=silent) as progress:
        task = progress.add_task("matching voices", total=None)

        def told(what: str, done: int, of: int) -> None:
            progress.update(task, description=what, completed=done, total=of)

        folders = [Path(folder) for folder in recipe.voices.folders]
        matched_voices(recipe.engine, folders, recipe.language, recipe.voices.side, told)
