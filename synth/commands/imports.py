"""`synth import`: recordings in another format, or calls as they were recorded, made into a corpus."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from .formats import counted

if TYPE_CHECKING:
    from corpus.formats.importing import Imported
    from corpus.formats.recordings import Importer, Treatment

SKIPPED_SHOWN = 10
SOURCES = "wav, moshi-finetune, j-moshi, lhotse, lhotse-shar, librispeech, huggingface"
CALLS = "wav"  # the format that is heard, levelled and redacted
LUFS = -23.0  # of every channel of a call, as speakers of a corpus that was generated


def import_(
    source: Annotated[Path, typer.Argument(help="A folder or manifest in another format.", show_default=False)],
    format: Annotated[str, typer.Option("--from", help=f"Its format: {SOURCES}.")],
    out: Annotated[Path, typer.Option(help="The corpus directory.")],
    licence: Annotated[str, typer.Option(help="Licence of the recordings, such as CC-BY-4.0.")] = "",
    consent: Annotated[str, typer.Option(help="What the speakers agreed to.")] = "",
    origin: Annotated[str, typer.Option("--source", help="Where the recordings come from.")] = "",
    language: Annotated[str, typer.Option(help="ISO 639-1 code of what is spoken.")] = "en",
    times: Annotated[str, typer.Option(help="Who timed listed words; forced is an aligner.")] = "forced",
    whisper: Annotated[
        Path | None, typer.Option(help="wav: a folder of a faster-whisper model, which hears what is not written down.")
    ] = None,
    aligner: Annotated[
        str, typer.Option(help="A model that times words in your language: whisper:FOLDER or ctc:FOLDER.")
    ] = "",
    swapped: Annotated[bool, typer.Option("--swapped", help="wav: of two channels the right is the agent's.")] = False,
    redact: Annotated[bool, typer.Option("--redact", help="wav: cover spoken numbers and names, by a rule.")] = False,
    redact_words: Annotated[Path | None, typer.Option(help="wav: a file of words to cover, too.")] = None,
) -> None:
    """Make a corpus of recordings in another format. The same command again continues one that was cut short."""
    from corpus.formats.calls import recordings as call_recordings
    from corpus.formats.catalogue import RESTORES, importer
    from corpus.formats.importing import import_corpus
    from corpus.formats.recordings import Rights
    from corpus.record import WordSource

    heard = {"whisper": whisper, "swapped": swapped, "redact": redact, "redact-words": redact_words}
    if format != CALLS and any(heard.values()):
        raise ValueError(f"--{next(name for name, value in heard.items() if value)} is for --from {CALLS}")
    if format == RESTORES:
        from corpus.formats.huggingface import restore

        with counted("dialogues", None) as advance:
            restore(source, out, lambda dialogues, seconds: advance(dialogues))
        print(out)
        return
    read: Importer = partial(call_recordings, swapped=True) if swapped else importer(format)
    timed = [one for one in get_args(WordSource) if one == times]
    if not timed:
        raise ValueError(f"--times must be one of {', '.join(get_args(WordSource))}, not {times!r}")
    rights = Rights(licence, consent, origin, language, timed[0])
    treatment = _treatment(format, language, whisper, aligner, redact, redact_words)
    with counted("dialogues", None) as advance:
        imported = import_corpus(
            source,
            format,
            read,
            out,
            rights,
            treatment,
            lambda dialogues, seconds: advance(dialogues),
            options=_options(whisper, aligner, swapped, redact, redact_words),
        )
    _tell(imported, out)


def _treatment(
    format: str, language: str, whisper: Path | None, aligner: str, redact: bool, redact_words: Path | None
) -> Treatment:
    """What is done with recordings of a format. Raises ValueError for what cannot be had."""
    from corpus.formats.recordings import Treatment

    from ..alignment.align import align
    from ..alignment.aligners import load_aligner

    model = load_aligner(aligner, language) if aligner else None
    aligned = partial(align, language=language, aligner=model)
    if format != CALLS:
        return Treatment(aligned)
    from ..calls import CallHearer, NamesAndNumbers, read_words

    rule = None
    if redact or redact_words:
        rule = NamesAndNumbers(language, read_words(redact_words) if redact_words else frozenset(), by_rule=redact)
        if redact and not rule.knows_names:
            print(f"in {language!r} capitals do not tell names: numbers are covered, names by --redact-words FILE")
    hear = CallHearer.load(whisper, language, model) if whisper else None
    return Treatment(aligned, hear, rule, LUFS)


def _options(
    whisper: Path | None, aligner: str, swapped: bool, redact: bool, redact_words: Path | None
) -> Mapping[str, str]:
    """What else decides what the corpus holds: it cannot go on with another."""
    from ..alignment.aligners import aligner_name

    words = hashlib.sha256(redact_words.read_bytes()).hexdigest() if redact_words else ""
    given = {
        "whisper": whisper.resolve().name if whisper else "",
        "aligner": aligner_name(aligner),
        "swapped": "yes" * swapped,
        "redact": "yes" * redact,
        "redact_words": words,
    }
    return {name: value for name, value in given.items() if value}


def _tell(imported: Imported, out: Path) -> None:
    for one in imported.skipped[:SKIPPED_SHOWN]:
        print(f"left out {one.name}: {one.why}")
    if len(imported.skipped) > SKIPPED_SHOWN:
        print(f"and {len(imported.skipped) - SKIPPED_SHOWN} more left out")
    for what in dict.fromkeys(remark.what for remark in imported.remarks):
        of = [remark for remark in imported.remarks if remark.what == what]
        many = f"in {len(of)} recordings, such as {of[0].name}" if len(of) > 1 else f"in {of[0].name}"
        print(f"{sum(remark.count for remark in of)} {what}: {many}")
    print(f"{out} holds {imported.dialogues} dialogues, {imported.seconds / 3600:.2f} h")
