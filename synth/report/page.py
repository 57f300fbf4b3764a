"""The report as one self-contained HTML page that opens from the disk: no server, no network, no build step."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from corpus.durable import replace_synced
from corpus.store import Corpus
from corpus.summary import estimated_times

from ..presets import TimingPreset
from .charts import band_mark, histogram
from .collect import SHOWN, ReportData, collect
from .dialogue import section
from .format import MEASURE_NAMES, amount, band, duration, escape, number
from .stats import CorpusStats, Measure

VOICES_LISTED = 40
REPORT_NAME = "report.html"


def write_report(
    corpus_dir: str | Path, preset: TimingPreset | None = None, *, title: str = "", shown: int = SHOWN
) -> Path:
    """Write `report.html` into a corpus, whole or not at all, and return its path.

    Args:
        corpus_dir: a corpus as `corpus.store` keeps it.
        preset: whose bands and distribution the timing is shown against; the one the corpus names when None.
        title: heading of the page; the folder's name when empty.
        shown: how many dialogues are shown whole, with player and transcript.

    Raises:
        ValueError: the corpus is missing, damaged or empty.
    """
    folder = Path(corpus_dir)
    return write_page(folder, collect(Corpus(folder), preset, title or folder.resolve().name, shown))


def write_page(folder: Path, data: ReportData) -> Path:
    """Write what was collected of a corpus as its `report.html`, whole or not at all, and return its path."""
    target = folder / REPORT_NAME
    replace_synced(target, render_report(data).encode(), scratch=folder)
    return target


def render_report(data: ReportData) -> str:
    """The page as text. Every string of `data` is treated as untrusted."""
    stats = data.stats
    script = _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    hidden = stats.dialogues - len(data.views)
    return Template(_asset("page.html")).substitute(
        title=escape(data.title),
        style=_asset("page.css"),
        script=script,
        script_hash=digest,
        origin=_origin(stats),
        tiles=_tiles(stats),
        timing=_timing_table(stats.measures),
        preset=escape(stats.preset),
        histogram=histogram(data.offsets, data.reference, escape(stats.preset)),
        counts=_counts(stats),
        voices=_voices(stats),
        shown=_shown(len(data.views), hidden),
        contents="".join(
            f'<li><a href="#dialogue-{escape(view.dialogue.id)}">{escape(view.dialogue.id)}</a></li>'
            for view in data.views
        ),
        dialogues="".join(section(view, opened=position == 0) for position, view in enumerate(data.views)),
    )


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _origin(stats: CorpusStats) -> str:
    parts = {"recipe": stats.recipe, "engine": stats.engine, "timing": stats.preset, "seed": str(stats.seed)}
    return "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in parts.items() if value)


def _tiles(stats: CorpusStats) -> str:
    minutes = max(stats.seconds / 60, 1e-9)
    tiles = [
        ("Hours", number(stats.hours, 2), duration(stats.seconds)),
        ("Dialogues", number(stats.dialogues), f"{duration(stats.seconds / max(stats.dialogues, 1))} on average"),
        ("Turns", number(stats.turns), f"{number(stats.turns / minutes, 1)} per minute"),
        ("Words", number(stats.words), f"{number(stats.words / minutes)} per minute"),
    ]
    return "".join(f"<div><dt>{name}</dt><dd>{value}<small>{note}</small></dd></div>" for name, value, note in tiles)


def _timing_table(measures: Iterable[Measure]) -> str:
    right = 'scope="col" class="figure"'
    return (
        f'<table><thead><tr><th scope="col">Measure</th><th {right}>Measured</th><th {right}>Target</th><td></td>'
        f'<th scope="col">Band</th></tr></thead><tbody>{"".join(map(_timing_row, measures))}</tbody></table>'
    )


def _timing_row(measure: Measure) -> str:
    state, mark = {True: ("in", "✓ in"), False: ("out", "✗ out"), None: ("", "")}[measure.inside]
    return (
        f'<tr><th scope="row">{MEASURE_NAMES[measure.name]}</th>'
        f'<td class="figure">{amount(measure.value, measure.unit)}</td><td class="figure">{band(measure)}</td>'
        f'<td class="strip">{band_mark(measure)}</td><td class="mark {state}">{mark}</td></tr>'
    )


def _counts(stats: CorpusStats) -> str:
    """Tables of events, questions, word-time sources and acoustics."""
    questions = {kind: (count, stats.answered.get(kind, 0)) for kind, count in stats.questions.items()}
    hours = max(stats.hours, 1e-9)
    tables = [
        _count_table("Events", ("Event", "Turns", "Per hour"), _rated(stats.events, hours)),
        _count_table(
            "Checkable questions",
            ("Kind", "Asked", "Answered"),
            [(kind, number(asked), number(answered)) for kind, (asked, answered) in questions.items()],
        ),
        _count_table(
            "Word times",
            ("Source", "Words", "Share"),
            _shares(stats.word_sources, stats.words),
            estimated_times(stats.word_sources),
        ),
        _count_table("User’s channel", ("Treatment", "Dialogues", "Share"), _shares(stats.acoustics, stats.dialogues)),
        _count_table("Noises", ("Noise", "Dialogues", "Share"), _shares(stats.noises, stats.dialogues)),
    ]
    return "".join(tables)


def _rated(counts: Mapping[str, int], hours: float) -> list[tuple[str, str, str]]:
    return [(name, number(count), number(count / hours)) for name, count in counts.items()]


def _shares(counts: Mapping[str, int], whole: int) -> list[tuple[str, str, str]]:
    return [(name, number(count), f"{number(100 * count / max(whole, 1), 1)} %") for name, count in counts.items()]


def _count_table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> str:
    if not rows:
        return ""
    told = f"<p>{escape(note)}.</p>" if note else ""
    return f"<div><h3>{caption}</h3>{_table(head, rows, figures=(1, 2))}{told}</div>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], figures: Sequence[int]) -> str:
    """A table of untrusted text; the columns in `figures` are aligned as numbers."""
    kinds = [' class="figure"' if column in figures else "" for column in range(len(head))]
    heads = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(head, kinds, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _voices(stats: CorpusStats) -> str:
    rows = [
        (
            use.voice.id,
            ", ".join(use.roles),
            use.voice.kind,
            use.voice.engine,
            use.voice.licence,
            use.voice.source,
            use.voice.consent,
            number(use.dialogues),
            number(use.turns),
            number(use.seconds / 60, 1),
        )
        for use in stats.voices[:VOICES_LISTED]
    ]
    head = ("Voice", "Speaks as", "Kind", "Engine", "Licence", "Source", "Consent", "Dialogues", "Turns", "Minutes")
    rest = len(stats.voices) - len(rows)
    note = f'<p class="note">{number(rest)} more voices, each with less speech, are not listed.</p>' if rest else ""
    return _table(head, rows, figures=(7, 8, 9)) + note


def _shown(shown: int, hidden: int) -> str:
    if not hidden:
        return f"All {number(shown)} dialogues of the corpus are shown."
    return (
        f"{number(shown)} dialogues are shown: evenly picked ones, and those with the most of the rarest events. "
        f"{number(hidden)} are not shown."
    )
