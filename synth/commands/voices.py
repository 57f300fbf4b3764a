"""`synth voices`: a voice bank of one's own clips: add, list, audit, pairs, split."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Column, Table

if TYPE_CHECKING:
    from ..voices.store import VoiceStore

app = typer.Typer(
    name="voices",
    help="Voice banks: reference clips with licence and consent.",
    no_args_is_help=True,
    add_completion=False,
)

BANK = Path("voices")
MANY_SPEAKERS = "piper:en_US-libritts_r-medium"

Bank = Annotated[Path, typer.Option(help="The bank's folder.")]
EmbedderName = Annotated[str, typer.Option("--embedder", help="What compares voices.")]
Seed = Annotated[int, typer.Option(help="Decides among voices that would do.")]


@app.command()
def add(
    clips: Annotated[
        Path, typer.Argument(help="A folder of sound files, one voice each, or one file.", show_default=False)
    ],
    bank: Bank = BANK,
    licence: Annotated[str, typer.Option(help="Of the recordings, such as CC-BY-4.0.")] = "",
    consent: Annotated[str, typer.Option(help="What the speakers agreed to, and when.")] = "",
    source: Annotated[str, typer.Option(help="Where the recordings come from; the file's name if left out.")] = "",
    speaker: Annotated[str, typer.Option(help="Who speaks in all of them; one speaker a file if left out.")] = "",
    language: Annotated[str, typer.Option(help="ISO 639-1 code of what is spoken.")] = "en",
    unlicensed: Annotated[
        bool,
        typer.Option("--unlicensed-at-my-own-risk", help="Take voices without licence or consent; it is recorded."),
    ] = False,
    embedder: EmbedderName = "resemblyzer",
) -> None:
    """Add clips as voices, refusing what is noisy, clipped, too short, of two people, or there already."""
    from ..voices.embedding import load_embedder
    from ..voices.records import VoiceRights
    from ..voices.store import CLIPS, VoiceStore, clips_of, passed_over

    rights = VoiceRights(licence, consent, source, speaker, language, unlicensed).checked()
    paths, store = clips_of(clips), VoiceStore(bank)
    added = store.add(paths, rights, load_embedder(embedder))
    for path in passed_over(clips):
        print(f"passed over {path}: only {', '.join(CLIPS)} are read")
    for report in added.notes:
        print(f"added {report.path}, but {report.note}")
    for report in added.refused:
        print(f"refused {report.path}: {'; '.join(problem.what for problem in report.problems)}")
    print(f"{len(added.ids)} of {len(paths)} clips added; {bank} holds {len(store.entries)} voices")
    if not added.ids:
        raise ValueError(f"no voice was added to {bank}")


@app.command("list")
def list_(
    bank: Annotated[Path | None, typer.Argument(help="A bank's folder; the one that ships if left out.")] = None,
) -> None:
    """List the voices of a bank with their licences and consents."""
    from ..voices.bank import load_bank
    from ..voices.records import Split

    table = Table(Column("voice", no_wrap=True), Column("kind", no_wrap=True), box=None)
    for heading in ("speaker", "language", "licence", "consent", "side"):
        table.add_column(heading, overflow="fold")
    if bank is None:
        for id, reference in load_bank().items():
            table.add_row(
                id, reference.voice.kind, "", reference.language, reference.voice.licence, reference.voice.consent, ""
            )
    else:
        store = _opened(bank)
        for entry in store.entries:
            row = (entry.id, "recorded", entry.speaker, entry.language, entry.licence, entry.consent)
            table.add_row(*row, _side(store.split, entry.id) if store.split != Split() else "")
    Console().print(table)


@app.command()
def audit(
    bank: Annotated[Path, typer.Argument(help="A bank's folder.", show_default=False)],
    embedder: EmbedderName = "resemblyzer",
) -> None:
    """Check every voice of a bank again: its clip, its licence, and whether it is there twice."""
    from ..voices.embedding import load_embedder

    store = _opened(bank)
    problems = store.audit(load_embedder(embedder))
    for id, problem in problems:
        print(f"{id}: {problem.what} [{problem.fault}]")
    if problems:
        raise ValueError(f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in {bank}")
    print(f"{bank}: {len(store.entries)} voices are sound")


@app.command()
def pairs(
    bank: Annotated[Path, typer.Argument(help="A bank's folder.", show_default=False)],
    count: Annotated[int, typer.Option(help="Pairs wanted.")] = 10,
    side: Annotated[str, typer.Option(help="train or evaluation; all voices if left out.")] = "",
    seed: Seed = 0,
    embedder: EmbedderName = "resemblyzer",
) -> None:
    """Pick pairs of voices that differ audibly, every voice about equally often."""
    from ..voices.embedding import load_embedder
    from ..voices.pairs import audible_pairs
    from ..voices.store import VoiceStore

    table = Table("agent", "user", "cosine", box=None)
    for pair in audible_pairs(VoiceStore(bank), load_embedder(embedder), count, random.Random(seed), _checked(side)):
        table.add_row(pair.one, pair.other, f"{pair.cosine:.2f}")
    Console().print(table)


@app.command()
def split(
    bank: Annotated[Path, typer.Argument(help="A bank's folder.", show_default=False)],
    evaluation: Annotated[float, typer.Option(help="Share of the speakers that are kept for evaluation.")] = 0.1,
    seed: Seed = 0,
    embedder: EmbedderName = "resemblyzer",
) -> None:
    """Choose evaluation voices that no training voice sounds like; those chosen before stay."""
    from ..voices.embedding import load_embedder
    from ..voices.pairs import split_voices
    from ..voices.store import VoiceStore

    store = VoiceStore(bank)
    store.save_split(split_voices(store, load_embedder(embedder), evaluation, random.Random(seed)))
    train = len(store.ids("train"))
    print(f"{train} train, {len(store.split.evaluation)} evaluation, {len(store.split.left_out)} left out of both")


@app.command()
def match(
    clip: Annotated[Path, typer.Argument(help="A recording of one person, 3 s or more.", show_default=False)],
    engine: Annotated[str, typer.Option(help="A Piper voice with several speakers.")] = MANY_SPEAKERS,
    language: Annotated[str, typer.Option(help="ISO 639-1 code of what it shall speak.")] = "en",
    embedder: EmbedderName = "resemblyzer",
) -> None:
    """Find the speakers of a voice that sound most like a clip, blended and fitted; tells how alike they are."""
    from ..engines.pseudo.cast import LABEL
    from ..voices.audit import audit_clip
    from ..voices.embedding import load_embedder
    from ..voices.match import profile_of
    from ..voices.matched import Matches

    listener = load_embedder(embedder)
    report = audit_clip(clip, listener)
    if report.problems:
        raise ValueError(f"{clip}: {'; '.join(problem.what for problem in report.problems)}")
    matches = Matches(engine, language, embedder=listener).of(report.samples, profile_of(report.samples))
    shares = " + ".join(f"{share:g} {id}" for id, share in matches.cast.parts)
    table = Table("", "of", Column("cosine", justify="right"), box=None)
    table.add_row("the nearest speaker", matches.nearest_id, f"{matches.nearest:.3f}")
    table.add_row("blended", shares if len(matches.cast.parts) > 1 else "no blend is nearer", f"{matches.blended:.3f}")
    fitted = "-" if matches.fitted is None else f"{matches.fitted:.3f}"
    table.add_row("fitted to pitch and timbre", "kept" if matches.cast.fitted else "not nearer: left out", fitted)
    Console().print(table)
    if report.note:
        print(f"{clip}: {report.note}")
    print(f"{LABEL}. One speaker is {listener.alike} or more alike to themselves.")
    print('A bank is spoken so with cast = "match" under [voices] in a recipe.')


def _opened(bank: Path) -> VoiceStore:
    """A bank that holds voices. Raises ValueError for an empty one, which a mistyped name is too."""
    from ..voices.store import VoiceStore

    store = VoiceStore(bank)
    if not store.entries:
        raise ValueError(f"{bank} holds no voice; type: synth voices add DIR --bank {bank}")
    return store


def _side(given: object, id: str) -> str:
    from ..voices.records import Split

    assert isinstance(given, Split)
    return "evaluation" if id in given.evaluation else "left out" if id in given.left_out else "train"


def _checked(side: str) -> Literal["train", "evaluation"] | None:
    if side not in ("", "train", "evaluation"):
        raise ValueError(f"--side must be train or evaluation, not {side!r}")
    return "train" if side == "train" else "evaluation" if side else None
