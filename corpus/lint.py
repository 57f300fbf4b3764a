"""What would hurt a training run, found in any corpus of a known layout: ours, moshi-finetune's, J-Moshi's.

Every file is looked at by itself; what is broken becomes a finding, not an error. `verify` is the stricter check of
checksums and records in our own.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple

from .audio import SAMPLE_RATE
from .envelope import measure
from .faults import audio_faults, file_fault, word_faults
from .interleave import StreamCount, TimedWord, Tokenizer, approximate_tokens, replay
from .layouts import BadLine, Layout, LayoutRecording, Source, detect, items, read_words, training_and_validation
from .manifest import MAIN_SPEAKER, USER_SPEAKER
from .reader import Corpus
from .summary import estimated_times

Severity = Literal["error", "warning"]

LONGEST_LINE = 300  # characters of a path or message
LOST_SHARE = 0.05  # of a file's text tokens: more lost is worth a finding


class Rule(NamedTuple):
    """How bad a kind of finding is and what to do about it."""

    severity: Severity
    advice: str


RULES: dict[str, Rule] = {
    "stray-manifest": Rule("error", "trainers load every *jsonl in the tree: move it out or gzip it"),
    "bad-line": Rule("error", "write one JSON object with path and duration a line"),
    "audio-missing": Rule("error", "restore the file or take its entry out"),
    "ogg": Rule("error", "sphn skips Ogg files without a word: convert to FLAC or WAV"),
    "unreadable-audio": Rule("error", "write the file again"),
    "not-finite": Rule("error", "find what made NaN or infinity and write the file again"),
    "channels": Rule("error", "write two channels, the agent first"),
    "sample-rate": Rule("warning", f"resample to {SAMPLE_RATE} Hz once, rather than at every reading"),
    "duration": Rule("error", "write the manifest anew from the files"),
    "silent-channel": Rule("error", "check the mix: a speaker is missing"),
    "swapped-channels": Rule("error", "swap the channels: the agent belongs on the first"),
    "clipping": Rule("warning", "lower the level before writing"),
    "digital-silence": Rule("warning", "lay a faint noise floor: real recordings have no exact zeros"),
    "words-missing": Rule("error", "align the recording or take it out"),
    "words-broken": Rule("error", "write the word list again"),
    "no-words": Rule("error", "a recording without words of the agent teaches silence: align it or take it out"),
    "empty-word": Rule("warning", "take the row out: it cuts off the tokens of the word before"),
    "unsorted-words": Rule("error", "sort the rows by start: trainers find chunks by binary search"),
    "no-length": Rule("error", "give the word its real end: trainers drop it"),
    "outside-audio": Rule("error", "align again: the times belong to another recording or clock"),
    "word-in-silence": Rule("warning", "check the alignment: nothing is heard where the word is"),
    "estimated-times": Rule(
        "warning", 'let a model find them (aligner = "whisper:FOLDER" in the recipe), or take an engine that knows them'
    ),
    "tokens-lost": Rule("warning", "slow the speech down or merge words: later words cut these off in the text stream"),
}


@dataclass(frozen=True)
class Finding:
    """One thing that would hurt: where (relative to the corpus), what exactly; `code` says which of `RULES`."""

    code: str
    path: str
    what: str

    @property
    def severity(self) -> Severity:
        """error: training goes wrong or the data is not used; warning: it suffers."""
        return RULES[self.code].severity

    @property
    def advice(self) -> str:
        """What to do about it."""
        return RULES[self.code].advice


@dataclass
class LintReport:
    """All that was found. `counts` counts findings by code; `findings` keeps the first examples of each code."""

    path: str
    layout: Layout
    files: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    text: StreamCount = field(default_factory=StreamCount)  # the interleaver's sums over all files

    @property
    def errors(self) -> int:
        """Number of findings of severity error."""
        return sum(count for code, count in self.counts.items() if RULES[code].severity == "error")

    @property
    def warnings(self) -> int:
        """Number of findings of severity warning."""
        return sum(self.counts.values()) - self.errors

    def to_json(self) -> str:
        """Everything as JSON, for programs."""
        data = {
            "path": self.path,
            "layout": self.layout,
            "files": self.files,
            "seconds": round(self.seconds, 4),
            "errors": self.errors,
            "warnings": self.warnings,
            "counts": dict(self.counts),
            "text": {**asdict(self.text), "lost_share": self.text.lost_share},
            "findings": [
                {**asdict(finding), "severity": finding.severity, "advice": finding.advice} for finding in self.findings
            ],
        }
        return json.dumps(data, indent=2)

    def __str__(self) -> str:
        lines = [f"{self.path}: {self.files} files, {self.seconds / 3600:.2f} h, layout {self.layout}"]
        if self.text.words:
            lines.append(
                f"text stream: {self.text.words} words, {100 * self.text.lost_share:.2f} % of tokens lost, "
                f"{100 * self.text.touched_share:.2f} % of words touched"
            )
        for code in sorted(self.counts, key=lambda code: (RULES[code].severity, code)):
            lines.append(f"{RULES[code].severity} {code} x {self.counts[code]}: {RULES[code].advice}")
            lines += [f"    {finding.path}: {finding.what}" for finding in self.findings if finding.code == code]
        return "\n".join([*lines, f"{self.errors} errors, {self.warnings} warnings"])

    def add(self, finding: Finding, examples: int) -> None:
        """Count a finding and keep it while its code has fewer than `examples`."""
        self.counts[finding.code] += 1
        if self.counts[finding.code] <= examples:
            self.findings.append(finding)


def lint(
    path: str | Path,
    tokenize: Tokenizer = approximate_tokens,
    examples: int = 5,
    progress: Callable[[int], None] | None = None,
) -> LintReport:
    """Look at every recording of a corpus.

    Args:
        path: a directory, or a moshi-finetune manifest.
        tokenize: a word to its text tokens; pass a real tokenizer's `encode` for exact losses.
        examples: findings kept of each code; all are counted.
        progress: called with the number of files done.

    Raises:
        ValueError: the path holds no corpus of a known layout.
    """
    source = detect(path)
    report = LintReport(str(path), source.layout)
    both = None if source.manifest is None else training_and_validation((source.manifest, *source.strays))
    for stray in source.strays if both is None or len(source.strays) > 1 else ():
        report.add(Finding("stray-manifest", _relative(stray, source), "a second manifest"), examples)
    every = [source] if both is None else [replace(source, manifest=manifest) for manifest in both]
    for item in (item for each in every for item in items(each)):
        if isinstance(item, BadLine):
            finding = Finding("bad-line", _relative(item.manifest, source), f"line {item.number} {item.why}")
            report.add(finding, examples)
            continue
        for each in _look(item, source, tokenize, report):
            report.add(each, examples)
        report.files += 1
        if progress:
            progress(report.files)
    if estimated := _estimated(source):
        report.add(Finding("estimated-times", ".", estimated), examples)
    return report


def _estimated(source: Source) -> str:
    """What is to be said of the times of a corpus whose records tell who found them; "" of any other."""
    try:
        turns = (turn for dialogue in Corpus(source.root) for turn in dialogue.turns)
        words: Counter[str] = Counter(word.source for turn in turns for word in turn.words)
    except ValueError:  # no corpus of ours, or a broken one: `verify` tells
        return ""
    return estimated_times(words)


def _look(item: LayoutRecording, source: Source, tokenize: Tokenizer, report: LintReport) -> Iterator[Finding]:
    """Findings of one recording; its length and text go to the report's sums."""
    audio_path, words_path = _relative(item.audio, source), _relative(item.words, source)
    envelope = None
    fault = file_fault(item.audio)
    if fault:
        yield Finding(fault, audio_path, "listed, but there is no such file" if fault == "audio-missing" else "is Ogg")
    else:
        try:
            envelope = measure(item.audio)
        except ValueError as error:
            yield Finding("unreadable-audio", audio_path, _printable(error))
    if envelope:
        report.seconds += envelope.duration
        for code, what in audio_faults(envelope, item.duration):
            yield Finding(code, audio_path, what)
    if not os.path.isfile(item.words):  # false for names no file system takes, where Path.is_file raises
        yield Finding("words-missing", words_path, "there is no word list")
        return
    try:
        words = read_words(item, source.layout)
    except ValueError as error:
        yield Finding("words-broken", words_path, _printable(error))
        return
    for code, what in word_faults(words, envelope):
        yield Finding(code, words_path, _printable(what))
    if envelope:
        text = _replay(words, envelope.duration, tokenize, source.layout)
        report.text += text
        if text.lost_share > LOST_SHARE:
            what = f"{text.lost} of {text.lost + text.placed} tokens lost, {text.touched} of {text.words} words touched"
            yield Finding("tokens-lost", words_path, what)


def _replay(words: list[TimedWord], duration: float, tokenize: Tokenizer, layout: Layout) -> StreamCount:
    """The text streams a trainer would make: the agent's, and J-Moshi's of both speakers."""
    speakers = (MAIN_SPEAKER,) if layout == "moshi-finetune" else (MAIN_SPEAKER, USER_SPEAKER)
    return sum((replay(words, duration, tokenize, speaker) for speaker in speakers), StreamCount())


def _relative(path: Path, source: Source) -> str:
    inside = path.is_relative_to(source.root)
    return _printable(path.relative_to(source.root).as_posix() if inside else path)


def _printable(text: object) -> str:
    """Text that any terminal takes: one line, lone surrogates escaped, cut where it is endless."""
    line = str(text).encode("utf-8", "backslashreplace").decode().replace("\n", " ")
    return line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + "..."
