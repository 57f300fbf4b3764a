"""Which formats there are, without loading any: what each is, and where it is written and read."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from .exporting import Exporter
from .recordings import Importer


@dataclass(frozen=True)
class FormatEntry:
    """One format: the module of this folder that handles it and a line on what it is for."""

    module: str
    what: str


EXPORTS = {
    "moshi-finetune": FormatEntry(
        "moshi_finetune", "data.jsonl, stereo FLAC and word lists, as Kyutai's trainer reads"
    ),
    "j-moshi": FormatEntry("j_moshi", "audio/ID.wav and text/ID.json, as J-Moshi and KAME read"),
    "lhotse": FormatEntry("lhotse_cuts", "cuts.jsonl.gz of MultiCuts over FLAC files"),
    "lhotse-shar": FormatEntry("lhotse_shar", "Lhotse Shar: cuts and tar archives of audio, shard by shard"),
    "huggingface": FormatEntry("huggingface", "parquet with audio and words, and a dataset card"),
    "webdataset": FormatEntry("webdataset", "tar shards of ID.flac and ID.json, with checksums"),
    "nemo": FormatEntry("nemo", "Lhotse Shar as NeMo's duplex speech-to-speech models read"),
    "rttm": FormatEntry("rttm", "who speaks when, for diarisation, with its UEM"),
    "ctm": FormatEntry("ctm", "word times, for scoring recognition"),
    "textgrid": FormatEntry("textgrid", "a Praat TextGrid beside each FLAC file"),
    "fdb": FormatEntry("fdb", "user channels cut into items of Full-Duplex-Bench's layout"),
}

IMPORTS = {
    "moshi-finetune": FormatEntry("word_lists", "a manifest of recordings with .json word lists"),
    "j-moshi": FormatEntry("word_lists", "audio/ and text/ folders"),
    "lhotse": FormatEntry("lhotse_import", "a cuts manifest (.jsonl or .jsonl.gz) over audio files"),
    "lhotse-shar": FormatEntry("lhotse_import", "a folder of cuts.NNNNNN.jsonl.gz and recording.NNNNNN.tar"),
    "wav": FormatEntry("calls", "calls as sound files of two channels or one a side, with transcripts or without"),
    "librispeech": FormatEntry("librispeech", "folders of FLAC files with .trans.txt transcripts"),
}

RESTORES = "huggingface"  # the format that holds whole records, so that a corpus comes back as it was


def exporter(name: str) -> Exporter:
    """The writer of a format. Raises ValueError, naming all formats, when there is none of this name."""
    module = _module(EXPORTS, name, "exported to")
    chosen = importlib.import_module(f".{module}", __package__).EXPORTER
    assert isinstance(chosen, Exporter)
    return chosen


def importer(name: str) -> Importer:
    """The reader of a format. Raises ValueError, naming all formats, when there is none of this name."""
    module = _module({**IMPORTS, RESTORES: EXPORTS[RESTORES]}, name, "imported from")
    if name == RESTORES:
        raise ValueError(f"{RESTORES} holds whole records: use corpus.formats.huggingface.restore")
    chosen: Importer = importlib.import_module(f".{module}", __package__).recordings
    return chosen


def _module(entries: dict[str, FormatEntry], name: str, what: str) -> str:
    if name not in entries:
        raise ValueError(f"nothing can be {what} {name!r}; choose one of: {', '.join(entries)}")
    return entries[name].module
