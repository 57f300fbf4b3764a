"""The card of a corpus or a model: README.md with the licence in its head, as the Hugging Face hub reads it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from .reader import Corpus
from .record import UNSTATED
from .summary import CorpusSummary, estimated_times
from .timing import summarise

CARD = "README.md"
WHERE_IT_LIES = (
    "This card and `metadata.csv` are written anew with the corpus; a card of your own in its place is kept."
)
UNKNOWN = "unknown"  # the licence of a card that cannot be published
VOICES_LISTED = 100

# The hub's identifiers, from the freest to the strictest; a work made of several parts takes the strictest.
_LICENCES = {
    "public domain": "cc0-1.0",
    "cc0": "cc0-1.0",
    "cc0-1.0": "cc0-1.0",
    "mit": "mit",
    "bsd-3-clause": "bsd-3-clause",
    "apache-2.0": "apache-2.0",
    "cc-by-3.0": "cc-by-3.0",
    "cc-by-4.0": "cc-by-4.0",
}
_FREEDOM = ("cc0-1.0", "mit", "bsd-3-clause", "apache-2.0", "cc-by-3.0", "cc-by-4.0")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def hub_licence(stated: set[str]) -> str:
    """The hub's identifier of a work made of parts under these licences; `other` where one is not known.

    Notes in parentheses are left out, several licences may stand in one string: "CC-BY-4.0 (reference), CC0 (base)".
    """
    parts = {part.strip().lower() for one in stated for part in re.split(r"[,;+]", re.sub(r"\([^)]*\)", "", one))}
    known = [_LICENCES.get(part) for part in parts if part]
    if not known:
        return UNKNOWN
    if None in known:
        return "other"
    return max((licence for licence in known if licence), key=_FREEDOM.index)


def dataset_card(corpus: Corpus, name: str, licence: str = "") -> str:
    """The card of a corpus exported as parquet: licences, statistics, voices with sources and consents, the recipe.

    Args:
        corpus: read once.
        name: its title.
        licence: of the corpus as a whole; derived from its parts if empty.
    """
    return _card(corpus, CorpusSummary.of(corpus), name, licence, "data/*.parquet", _READING)


def corpus_card(corpus: Corpus, summary: CorpusSummary, name: str, rows: str, features: list[dict[str, object]]) -> str:
    """The card of a corpus where it lies, see `dialogue_rows`.

    Args:
        corpus: not read again.
        summary: what it holds.
        name: its title.
        rows: the file of rows beside the card.
        features: the columns of that file, as the hub writes them.
    """
    return _card(corpus, summary, name, "", rows, _READING_THERE, {"dataset_info": {"features": features}})


def _card(
    corpus: Corpus,
    summary: CorpusSummary,
    name: str,
    licence: str,
    files: str,
    reading: str,
    more: Mapping[str, object] = MappingProxyType({}),
) -> str:
    chosen = UNKNOWN if summary.unlicensed else licence or hub_licence(summary.licences)
    head: dict[str, object] = {
        **_licence_keys(chosen, summary.licences),
        "language": sorted(summary.languages),
        "pretty_name": name,
        "size_categories": [next((size for most, size in _SIZES if summary.dialogues < most), "n>1M")],
        "task_categories": ["automatic-speech-recognition", "text-to-speech", "audio-to-audio"],
        "tags": ["dialogue", "full-duplex", "speech", "word-timestamps", "two-channel"],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": files}]}],
        **more,
    }
    sections = [_title(corpus, summary, name), _licence_section(summary, chosen), _statistics(summary)]
    sections += [_voices(summary), reading, _recipe(corpus)]
    return front_matter(head) + "\n".join(sections)


def model_card(name: str, licence: str, library: str, description: str, base: str = "") -> str:
    """The card of a codec or an agent: `licence` and `library` (its loader), a description in Markdown."""
    head: dict[str, object] = {**_licence_keys(licence, {licence}), "library_name": library}
    if base:
        head["base_model"] = base
    return f"{front_matter(head)}# {name}\n\n{description.strip()}\n"


def front_matter(head: dict[str, object]) -> str:
    """The head of a card. Values are JSON, which is YAML."""
    lines = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in head.items())
    return f"---\n{lines}---\n"


def card_licence(text: str) -> str:
    """The licence in a card's head; "" where it states none or says unknown. `other` comes with its name."""
    parts = text.split("---", 2)
    if len(parts) < 3 or parts[0].strip():
        return ""
    keys = dict(re.findall(r"^(license|license_name):[ \t]*(\S.*)$", parts[1], re.MULTILINE))
    licence = keys.get("license", "").strip().strip("\"'")
    if licence == "other":
        name = keys.get("license_name", "").strip().strip("\"'")
        return f"other: {name}" if name else ""
    return "" if licence == UNKNOWN else licence


def _licence_keys(licence: str, stated: set[str]) -> dict[str, object]:
    identifier = hub_licence({licence}) if licence not in (UNKNOWN, "other") else licence
    if identifier != "other":
        return {"license": identifier}
    name = licence if licence != "other" else "; ".join(sorted(stated))
    return {"license": "other", "license_name": name}


def _title(corpus: Corpus, summary: CorpusSummary, name: str) -> str:
    info = corpus.info
    return (
        f"# {name}\n\n{summary.dialogues:,} two-channel dialogues, {summary.seconds / 3600:.2f} hours: the agent "
        f"on the left channel, the user on the right, both with word times.\n\nMade by {info.generator}; speech engine "
        f"{info.engine}; timing {info.timing}; seed {info.seed}.\n"
    )


def _licence_section(summary: CorpusSummary, licence: str) -> str:
    lines = ["## Licence", ""]
    if summary.unlicensed:
        lines.append(
            f"**Not to be published:** of {len(summary.unlicensed)} voices the licence or the consent is "
            f"{UNSTATED}: {', '.join(summary.unlicensed[:20])}."
        )
    else:
        lines.append(f"The whole: {licence}. Its parts:")
    lines += ["", *(f"- voices: {one}" for one in sorted({use.voice.licence for use in summary.voices.values()}))]
    lines += [f"- background noise: {one}" for one in sorted(summary.noise_licences)]
    return "\n".join(lines) + "\n"


def _statistics(summary: CorpusSummary) -> str:
    rows = [
        ("dialogues", f"{summary.dialogues:,}"),
        ("hours", f"{summary.seconds / 3600:.2f}"),
        ("turns", f"{summary.turns:,}"),
        ("words", f"{summary.words.total():,}"),
        ("word times", _counted(summary.words)),
        ("events", _counted(summary.events)),
        ("background noises", _counted(summary.noises)),
    ]
    if summary.timings:
        timing = summarise(summary.timings)
        rows += [
            (f"{name}, seconds per minute", f"{getattr(timing, name):.2f}")
            for name in ("ipu", "pause", "gap", "overlap")
        ]
        rows += [
            ("median floor-transfer offset, s", f"{timing.median_offset:.3f}"),
            ("overlapped transfers", f"{100 * timing.overlapped_share:.1f} %"),
        ]
    table = "".join(f"| {name} | {value} |\n" for name, value in rows if value)
    estimated = estimated_times(summary.words)
    note = f"\n**{estimated}.**\n" if estimated else ""
    return f"## Statistics\n\n| what | how much |\n|---|---|\n{table}{note}"


def _voices(summary: CorpusSummary) -> str:
    uses = sorted(summary.voices.values(), key=lambda use: (-use.words, use.voice.id))
    lines = ["## Voices", "", "| voice | kind | licence | source | consent | dialogues |", "|---|---|---|---|---|---|"]
    for use in uses[:VOICES_LISTED]:
        voice = use.voice
        cells = [voice.id, voice.kind, voice.licence, voice.source, voice.consent, f"{use.dialogues:,}"]
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    if len(uses) > VOICES_LISTED:
        lines += ["", f"And {len(uses) - VOICES_LISTED:,} more; every record names its own."]
    return "\n".join(lines) + "\n"


def _recipe(corpus: Corpus) -> str:
    recipe = json.dumps(corpus.info.recipe, indent=2, ensure_ascii=False)
    return f"## Recipe\n\n`{corpus.info.recipe_sha256}`\n\n```json\n{recipe}\n```\n"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common(20))


_READING = """## Reading

Each row is a dialogue: `audio` (FLAC bytes, two channels, 24 kHz), `words` and `turns` (times in seconds, channel 0 the
agent), and `record`, the whole record as JSON.

```python
from datasets import Audio, load_dataset

rows = load_dataset("parquet", data_files="data/*.parquet", split="train", streaming=True)
rows = rows.cast_column("audio", Audio(decode=False))  # soundfile reads the bytes; decoding needs torchcodec
```

`synth import FOLDER --from huggingface --out CORPUS` brings the corpus back as it was, but for stems.
"""

_READING_THERE = f"""## Reading

Each row is a dialogue: `path` of its FLAC file (two channels, 24 kHz), `words` and `turns` (times in seconds, channel 0
the agent). `datasets` decodes sound with torchcodec; soundfile and `duologue.load_corpus` read it without.

```python
from datasets import Audio, load_dataset

rows = load_dataset("FOLDER", split="train")
rows = rows.map(lambda row: {{"audio": "FOLDER/" + row["path"]}}).cast_column("audio", Audio())
```

{WHERE_IT_LIES}
"""
