"""Lint: every kind of finding is found where it was planted, and nowhere else."""

from __future__ import annotations

import gzip
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from corpus.envelope import measure
from corpus.lint import RULES, lint
from tests.support.tiny_corpus import contents, dialogue, write_corpus

Change = Callable[[Path], object]
FIRST = "shards/000000/d0000000"


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("lint") / "corpus", 2, 2)


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "corpus"))


def audio(change: Callable[[np.ndarray], object], **options: object) -> Change:
    """Change the first recording's samples `[T, 2]`, in place or by returning others, and write it anew."""

    def apply(corpus: Path) -> None:
        path = corpus / f"{FIRST}.flac"
        samples, rate = soundfile.read(path, dtype="float32")
        changed = change(samples)
        soundfile.write(path, samples if changed is None else changed, rate, **{"format": "FLAC", **options})

    return apply


def words(change: Callable[[list[list[object]]], object]) -> Change:
    """Change the first recording's alignment rows, in place or by returning others."""

    def apply(corpus: Path) -> None:
        path = corpus / f"{FIRST}.json"
        rows = json.loads(path.read_text())["alignments"]
        path.write_text(json.dumps({"alignments": change(rows) or rows}))

    return apply


def row(index: int, text: str | None = None, span: tuple[float, float] | None = None) -> Change:
    """Change one word's text or time in seconds."""

    def change(rows: list[list[object]]) -> None:
        old = rows[index]
        rows[index] = [old[0] if text is None else text, old[1] if span is None else span, old[2]]

    return words(change)


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def resampled(corpus: Path) -> None:
    path = corpus / f"{FIRST}.flac"
    samples, _ = soundfile.read(path)
    soundfile.write(path, np.repeat(samples, 2, axis=0), 48_000)


def estimated(corpus: Path) -> None:
    """The records say of every word that it has its share of the speech for a time."""
    for path in (corpus / "shards").rglob("*.json*"):
        text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
        changed = text.replace('"native"', '"proportional"')
        path.write_bytes(gzip.compress(changed.encode()) if path.suffix == ".gz" else changed.encode())


PLANTED: dict[str, Change] = {
    "stray-manifest": lambda c: (c / "metadata.jsonl").write_text("{}"),
    "bad-line": lambda c: append(c / "data.jsonl", '{"file": "x.flac"}\n'),
    "audio-missing": lambda c: (c / f"{FIRST}.flac").unlink(),
    "ogg": lambda c: audio(lambda samples: None, format="OGG", subtype="VORBIS")(c),
    "unreadable-audio": lambda c: (c / f"{FIRST}.flac").write_bytes(b"no audio at all"),
    "not-finite": audio(lambda samples: samples.__setitem__(9, np.nan), format="WAV", subtype="FLOAT"),
    "channels": audio(lambda samples: samples[:, 0]),
    "sample-rate": resampled,
    "duration": audio(lambda samples: np.pad(samples, ((0, 2400), (0, 0)), "reflect")),
    "silent-channel": audio(lambda samples: samples[:, 1].fill(0)),
    "swapped-channels": audio(lambda samples: samples[:, ::-1]),
    "clipping": audio(lambda samples: samples[9000:9010, 0].fill(1)),
    "digital-silence": audio(lambda samples: samples[-14_000:, 1].fill(0)),
    "words-missing": lambda c: (c / f"{FIRST}.json").unlink(),
    "words-broken": lambda c: (c / f"{FIRST}.json").write_text('{"alignments": [["hello", 3]]}'),
    "no-words": words(lambda rows: [word for word in rows if word[2] != "SPEAKER_MAIN"]),
    "empty-word": row(3, text=" "),
    "unsorted-words": words(lambda rows: rows.__setitem__(slice(2, 4), [rows[3], rows[2]])),
    "no-length": row(4, span=(1.7, 1.7)),
    "outside-audio": row(-1, span=(8.1, 8.3)),
    "word-in-silence": row(-1, span=(7.5, 7.8)),
    "estimated-times": estimated,
    "tokens-lost": row(0, text="s" * 200),
}


def test_every_rule_has_a_planted_fault() -> None:
    assert set(PLANTED) == set(RULES)


@pytest.mark.parametrize("code", PLANTED)
def test_a_planted_fault_is_found_alone(copy: Path, code: str) -> None:
    PLANTED[code](copy)
    report = lint(copy)
    assert report.counts == {code: 1}, str(report)
    (finding,) = report.findings
    assert (copy / finding.path).exists() or code in ("audio-missing", "words-missing")
    assert (report.errors, report.warnings) == ((1, 0) if RULES[code].severity == "error" else (0, 1))
    assert f"{finding.severity} {code} x 1: {finding.advice}\n    {finding.path}: {finding.what}" in str(report)
    assert json.loads(report.to_json())["findings"][0]["code"] == code


def test_a_sound_corpus_has_no_findings(sound: Path) -> None:
    done: list[int] = []
    report = lint(sound, progress=done.append)
    spoken = [word for number in range(2) for word in dialogue(number)[0].words(0)]
    assert (report.findings, report.files, report.seconds, done) == ([], 2, 16.0, [1, 2])
    assert report.text.words == len(spoken) == 20
    assert report.text.lost == 0
    assert lint(sound / "data.jsonl").text == report.text
    letters = lint(sound, tokenize=lambda word: [9] * len(word))
    assert letters.text.placed + letters.text.lost == sum(len(word.text) for word in spoken)


def j_moshi(sound: Path, folder: Path, dialogues: int = 2) -> Path:
    """The same recordings as J-Moshi and KAME lay them out, words grouped by speaker."""
    for name in ("audio", "text"):
        (folder / name).mkdir(parents=True)
    for number in range(dialogues):
        samples, rate = soundfile.read(sound / f"shards/000000/d000000{number}.flac")
        soundfile.write(folder / f"audio/{number}.wav", samples, rate)
        record, _ = dialogue(number, seed=1)
        rows = [
            {"speaker": "AB"[channel], "word": word.text, "start": word.start, "end": word.end}
            for channel in (0, 1)
            for word in record.words(channel)
        ]
        (folder / f"text/{number}.json").write_text(json.dumps(rows))
    return folder


def test_j_moshi_layout(sound: Path, tmp_path: Path) -> None:
    corpus = j_moshi(sound, tmp_path / "j")
    report = lint(corpus)
    assert (report.findings, report.layout, report.files) == ([], "j-moshi", 2)
    assert report.text.words == 36
    (corpus / "text/0.json").write_text('[{"speaker": "C", "word": "x", "start": 0, "end": 1}]')
    (corpus / "audio/1.wav").unlink()
    assert lint(corpus).counts == {"words-broken": 1, "audio-missing": 1}


def test_swapped_channels_are_told_from_a_loud_noisy_user(copy: Path) -> None:
    rng = np.random.default_rng(5)
    noise = 0.05 * rng.standard_normal(192_000)

    def louder(samples: np.ndarray) -> None:
        samples[:, 0] *= 0.1
        samples[:, 1] += noise + 2 * samples[:, 0]

    audio(louder)(copy)
    assert lint(copy).counts == {}


def test_examples_are_capped_and_all_counted(copy: Path) -> None:
    append(copy / "data.jsonl", "broken\n" * 20)
    report = lint(copy, examples=3)
    assert report.counts == {"bad-line": 20}
    assert [finding.what for finding in report.findings] == [
        f'line {number} is not {{"path": ..., "duration": ...}}' for number in (3, 4, 5)
    ]


@pytest.mark.parametrize("path", ["", "shards/000000/d0000000.flac", "absent"])
def test_not_a_corpus(sound: Path, tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match=r"holds no corpus|is no directory"):
        lint(sound / path if path else tmp_path)


HOSTILE = [
    b'{"alignments": [["\\ud800", [0.1, 0.2], "SPEAKER_MAIN"]]}',
    b'{"alignments": [["a", [NaN, 1e999], "SPEAKER_MAIN"]]}',
    b'{"alignments": [["a", [-1e300, 1e300], "SPEAKER_MAIN"]]}',
    b'{"alignments": [["a", [' + b"9" * 5000 + b", 1], 3]]}",
    b"[" * 100_000,
    b'{"path": "\\u0000", "duration": 1}\n{"path": "", "duration": 1}\n{"path": "' + b"a" * 9999 + b'", "duration": 1}',
    b'{"path": "..", "duration": true}\n{"path": "\\ud800", "duration": 1}\n{"path": "/", "duration": 1}',
    b"\xff\xfe\x00",
    b"",
]


def test_random_and_hostile_bytes_become_findings(tmp_path: Path) -> None:
    rng = random.Random(11)
    ours = write_corpus(tmp_path / "ours", 1, 1, short=True)
    for corpus in (ours, j_moshi(ours, tmp_path / "j", 1)):
        for name, data in contents(corpus).items():
            scrambled = [bytearray(data) for _ in range(4)]
            for changed in scrambled:
                start = rng.randrange(len(changed))
                changed[start : start + 30] = rng.randbytes(rng.randrange(30))
            for replacement in [*map(bytes, scrambled), *HOSTILE]:
                (corpus / name).write_bytes(replacement)
                str(lint(corpus)).encode()
            (corpus / name).write_bytes(data)


def test_envelope_is_the_same_however_the_blocks_fall(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    samples = 0.1 * rng.standard_normal((2, 24_000 * 61 + 77)).astype(np.float32)
    samples[0, 24_000 * 29 : 24_000 * 32] = 0
    samples[1, 5000:5002] = 1
    samples[1, 6000:6003] = -1
    samples[1, 7000:7100] = 1
    soundfile.write(tmp_path / "a.wav", samples.T, 24_000, subtype="FLOAT")
    found = measure(tmp_path / "a.wav")
    hops = samples[:, : 480 * 3050].reshape(2, 3050, 480)
    np.testing.assert_allclose(
        found.level[:, :3050], 10 * np.log10(np.maximum((hops.astype(float) ** 2).mean(2), 1e-10)), atol=1e-4
    )
    assert found.level.shape == (2, 3051)
    assert (found.clips, found.samples, found.finite) == ((0, 2), samples.shape[1], True)
    assert found.longest_zero(0) == pytest.approx(3.0)
    assert found.longest_zero(1) == 0
