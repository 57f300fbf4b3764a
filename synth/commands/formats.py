"""`synth export`, `synth push` and `synth pack`: corpora in other formats, and onto the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Public = Annotated[bool, typer.Option("--public/--private", help="Who may see a repository that is created.")]
Out = Annotated[Path, typer.Option(help="The folder to create.")]


def export(
    corpus: Annotated[Path, typer.Argument(help="A corpus directory.", show_default=False)],
    to: Annotated[str, typer.Option(help="The format; `list` shows them all.")],
    out: Annotated[Path | None, typer.Option(help="The folder to create.")] = None,
    name: Annotated[str, typer.Option(help="Title of the dataset card; the recipe's name if left out.")] = "",
    licence: Annotated[str, typer.Option(help="Licence on the card; derived from the parts' if left out.")] = "",
    packed: Annotated[
        float, typer.Option(help="moshi-finetune: put dialogues end to end in recordings of so many seconds or more.")
    ] = 0.0,
    push: Annotated[str, typer.Option(help="Then publish as OWNER/NAME on the Hugging Face hub.")] = "",
    public: Public = False,
) -> None:
    """Write a corpus in another format. The same command again continues one that was cut short."""
    from corpus.formats.catalogue import EXPORTS, RESTORES, exporter
    from corpus.formats.exporting import export as write
    from corpus.hub import check_card
    from corpus.store import Corpus

    if to == "list":
        print("\n".join(f"{one:15} {entry.what}" for one, entry in EXPORTS.items()))
        return
    if out is None:
        raise ValueError("say which folder to create: --out DIR")
    if push and to != RESTORES:
        raise ValueError(f"only a folder of format {RESTORES} can be pushed: add --to {RESTORES}")
    if packed and to != "moshi-finetune":
        raise ValueError(f"--packed is for --to moshi-finetune, not for {to}")
    given = (("name", name), ("licence", licence), ("packed", f"{packed:g}" if packed else ""))
    options = {key: value for key, value in given if value}
    chosen, read = exporter(to), Corpus(corpus)
    with counted("dialogues", len(read)) as advance:
        final = write(read, to, chosen, out, options, lambda done, total: advance(done))
    print(final)
    if push:
        try:
            check_card(final)
            print(_pushed(final, push, public))
        except ValueError as error:
            raise ValueError(f"{error}; to publish what was exported: synth push {final} {push}") from None


def push(
    folder: Annotated[Path, typer.Argument(help="A hub-shaped folder, or a model to make one of.", show_default=False)],
    repo: Annotated[str, typer.Argument(help="OWNER/NAME on the Hugging Face hub.", show_default=False)],
    public: Public = False,
    message: Annotated[str, typer.Option(help="Of the commit.")] = "",
) -> None:
    """Publish an exported corpus, a codec or an agent. Its card must state a licence."""
    print(_pushed(folder, repo, public, message))


def pack(
    model: Annotated[
        Path, typer.Argument(help="A codec's .safetensors file or an agent's folder.", show_default=False)
    ],
    out: Out,
    licence: Annotated[str, typer.Option(help="Licence of the weights, such as Apache-2.0.")],
    name: Annotated[str, typer.Option(help="Title of the card; the file's name if left out.")] = "",
) -> None:
    """Make a hub-shaped folder of a codec or an agent: safetensors, config.json and a card."""
    from corpus.hub import save_model

    print(save_model(model, out, name=name or model.stem, licence=licence))


def _pushed(folder: Path, repo: str, public: bool, message: str = "") -> str:
    from corpus.hub import push as publish

    return publish(folder, repo, private=not public, message=message)


@contextmanager
def counted(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error; the function it gives takes how many are done."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)
