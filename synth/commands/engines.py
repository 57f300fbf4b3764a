"""`synth engines`: which speech engines there are, which can run here, and the one command that downloads weights."""

from __future__ import annotations

import json
from typing import Annotated

import typer

engines_app = typer.Typer(
    help="List the speech engines, or fetch the weights of one.",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@engines_app.callback()
def engines(
    context: typer.Context,
    engine: Annotated[
        list[str] | None, typer.Option(help="Only this engine, such as worker:my.toml; may be given more than once.")
    ] = None,
    language: Annotated[
        str, typer.Option(help="Only those that speak it, and the voices to choose from: an ISO 639-1 code.")
    ] = "",
    measure: Annotated[bool, typer.Option("--measure", help="Let each that can run speak, and time it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output and nothing else.")] = False,
) -> None:
    """List the speech engines: what is installed, what they can do, under which licences, and how to get them."""
    if context.invoked_subcommand is not None:
        return
    from rich.console import Console

    from .engine_report import engine_row, known_engines

    names = [name for name in engine or known_engines() if _speaks(name, language)]
    rows = [engine_row(name, measure=measure, language=language) for name in names]
    if as_json:
        print(json.dumps([row.to_dict() for row in rows], indent=2))
        return
    from .engine_language import ways_to_speak
    from .engine_table import engine_table, ways_to_get

    console = Console()
    if rows:
        console.print(engine_table(rows, measured=measure))
    for line in (*ways_to_get(rows), *(ways_to_speak(language) if language else ())):
        console.print(line, soft_wrap=True, highlight=False, markup=False)


@engines_app.command()
def voices(
    name: Annotated[str, typer.Argument(help="An engine, such as kokoro.", show_default=False)],
    language: Annotated[str, typer.Option(help="ISO 639-1 code.")] = "en",
) -> None:
    """List the voices that an engine can speak a language with."""
    from ..voices.casting import engine_voices

    for id, voice in engine_voices(name, language=language).items():
        print("\t".join((id, voice.voice.kind, voice.gender or "-", voice.voice.licence)))


@engines_app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="An engine, such as pocket or pocket:french.", show_default=False)],
) -> None:
    """Download the weights of an engine from the Hugging Face hub; nothing else here downloads."""
    from ..engines import engine_entry
    from ..engines.piper_hub import LISTING
    from ..engines.weights import fetch, missing

    if name == f"piper:{LISTING.files[0]}":
        fetch([LISTING], told=print)
        print("all of Piper's voices are known: synth engines --language CODE")
        return
    entry = engine_entry(name)
    if entry.missing_packages and entry.module == "pocket":
        raise ValueError("pocket-tts names its weights itself, and is not installed: pip install 'duologue[pocket]'")
    if not entry.weights:
        print(f"engine {name} needs no weights from the hub")
        return
    if missing(entry.weights):
        print(f"weights of {name}: licence {entry.licence_weights}")
        fetch(entry.weights, told=print)
        print(f"engine {name} has its weights")
    else:
        print(f"the weights of {name} are in the cache")
    if len(engine_entry(name).voices) > 1 and entry.module == "piper":
        _measure(name)


def _speaks(name: str, language: str) -> bool:
    from ..engines import engine_entry

    return not language or language in engine_entry(name).languages


def _measure(name: str) -> None:
    """Measure an engine's speakers, those that were not measured yet; shows how far it is."""
    from rich.console import Console
    from rich.progress import Progress

    from ..engines import engine_entry
    from ..voices.casting import engine_voices, load_engine
    from ..voices.embedding import embedder_or_none
    from ..voices.speakers import measure_speakers

    language = engine_entry(name).languages[0]
    voices, embedder = engine_voices(name, language=language), embedder_or_none()
    listen = (lambda clip: embedder.listen(clip).vector) if embedder else None
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"measuring {len(voices)} speakers", total=len(voices))
        count = measure_speakers(
            name,
            load_engine(name, language),
            voices,
            language,
            listen,
            lambda done, of: progress.update(task, completed=done, total=of),
        )
    print(f"{count} speakers measured, {len(voices)} in all")
