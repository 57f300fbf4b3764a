"""What the terminal shows: progress, the summary table, listening."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.console import Console

from corpus.audio import SAMPLE_RATE
from corpus.record import Dialogue, Speaker, TimingStats, Turn, Voice, Word
from corpus.store import Corpus, CorpusInfo, CorpusWriter
from corpus.summary import CorpusSummary
from synth.presets import fisher
from synth.report import stats_from
from synth.report.playback import ProgramPlayback, choose_player, listen, transcript_line
from synth.report.stats import stats_of
from synth.running.progress import CorpusProgress, summary_table

INFO = CorpusInfo(generator="test", engine="tone", timing="fisher", seed=7, recipe={"name": "tiny"})


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += seconds


def console(width: int = 80, *, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=width, height=20, force_terminal=terminal, color_system=None)


def printed(on: Console) -> str:
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


def test_speed_is_measured_over_the_last_minutes_of_this_run() -> None:
    clock = Clock()
    progress = CorpusProgress(10.0, start_hours=4.0, silent=True, clock=clock)
    assert progress.speed is None
    assert progress.seconds_left is None
    clock.tick(10)
    progress.dialogue(360)
    assert progress.speed == pytest.approx(36)  # the four hours that were there do not count
    for _ in range(19):
        clock.tick(10)
        progress.dialogue(360)
    assert progress.speed == pytest.approx(36)
    assert progress.done == pytest.approx(6.0)
    assert progress.seconds_left == pytest.approx(4 * 3600 / 36)
    for _ in range(20):  # three times slower: the old speed is forgotten
        clock.tick(30)
        progress.dialogue(360)
    assert progress.speed == pytest.approx(12)
    clock.tick(240)  # stalled
    assert progress.speed is not None
    assert progress.speed < 5


def test_without_a_terminal_a_line_comes_every_ten_seconds() -> None:
    clock, out = Clock(), console(width=20)
    with CorpusProgress(0.1, console=out, clock=clock) as progress:
        for _ in range(35):
            clock.tick(1)
            progress.dialogue(6)
        progress.reject("clipped [bold]\x1b[31m")
        progress.shard()
    lines = printed(out).splitlines()
    assert len(lines) == 3 + 2
    assert lines[0] == "0.02 of 0.10 h · 10 dialogues · 6.0x real time · 50 s left"
    assert lines[3] == "0.06 of 0.10 h · 35 dialogues · 6.0x real time · 25 s left · 1 shard · 1 rejected"
    assert lines[4] == "The last was rejected for: clipped [bold][31m"


def test_silence() -> None:
    clock = Clock()
    for terminal in (False, True):
        out = console(terminal=terminal)
        with CorpusProgress(1.0, silent=True, console=out, clock=clock) as progress:
            clock.tick(60)
            progress.dialogue(60)
            progress.reject("clipped")
        assert printed(out) == ""


@pytest.mark.parametrize("width", [1, 2, 7, 20, 300])
def test_terminals_of_any_width(width: int) -> None:
    clock, out = Clock(), console(width, terminal=True)
    with CorpusProgress(0.0, start_hours=0.5, console=out, clock=clock) as progress:
        clock.tick(5)
        progress.dialogue(90)
    out.print(summary_table(stats_from(_tally(), INFO, fisher()), Path("out/report.html")))
    assert "0.53 of 0.00 h" in printed(out).replace("\n", "")


@pytest.mark.parametrize(("encoding", "between"), [("utf-8", " · "), ("ascii", " | "), ("latin-1", " · ")])
def test_a_terminal_gets_only_what_it_can_show(encoding: str, between: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    with CorpusProgress(1.0, console=Console(file=stream, width=200), clock=Clock()) as progress:
        progress.dialogue(1800)
    stream.seek(0)
    assert f"0.50 of 1.00 h{between}1 dialogue" in stream.read()


def test_an_interrupted_job_says_how_far_it_came() -> None:
    out = console()

    def stopped() -> None:
        with CorpusProgress(2.0, console=out, clock=Clock()) as progress:
            progress.dialogue(3600)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert printed(out).startswith("1.00 of 2.00 h · 1 dialogue")


def _dialogue() -> Dialogue:
    def turn(index: int, speaker: str, text: str, start: float, cut: int | None = None) -> Turn:
        words = tuple(
            Word(text=word, start=start + i / 10, end=start + (i + 1) / 10, source="native")
            for i, word in enumerate(text.split()[:cut])
        )
        end = words[-1].end
        return Turn(index=index, speaker=speaker, text=text, start=start, end=end, words=words, cut_word=cut)

    def voice(id: str) -> Voice:
        return Voice(id=id, kind="cloned", engine="tone", licence="CC0-1.0 [red]", source="test", consent="given")

    return Dialogue(
        id="d0000000",
        seed=1,
        speakers=(
            Speaker(id="agent", role="agent", channel=0, voice=voice("ann[/]")),
            Speaker(id="user", role="user", channel=1, voice=voice("ben")),
        ),
        turns=(turn(0, "user", "Good [bold]morning", 0.1), turn(1, "agent", "And a good one to you", 0.3, cut=4)),
        stats=TimingStats(seconds=1.0, ipu=50.0, pause=6.0, gap=4.0, overlap=9.0, offsets=(0.1,)),
    )


def _tally() -> CorpusSummary:
    tally = CorpusSummary()
    tally.add(_dialogue())
    return tally


def test_summary_table() -> None:
    out = console(100)
    out.print(summary_table(stats_from(_tally(), INFO, fisher()), Path("out/report.html"), speed=31.5))
    lines = printed(out).splitlines()

    def row(name: str) -> str:
        return " ".join(next(line for line in lines if line.startswith(name)).split())

    assert row("Speed") == "Speed 31.5x hours of recording per hour"
    assert row("IPU") == "IPU 50.0 s/min target 48.0 to 55.0, in"
    assert row("Overlap ") == "Overlap 9.0 s/min target 2.5 to 4.5, out"
    assert row("Words") == "Words 6"
    assert row("Voices") == "Voices ann[/] (cloned), ben (cloned)"
    assert row("Word times") == "Word times native 100.0 %"
    assert row("Report") == "Report out/report.html"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    audio = np.stack([np.full(SAMPLE_RATE, 0.25), np.full(SAMPLE_RATE, -0.5)]).astype(np.float32)
    with CorpusWriter.open(folder, INFO) as writer:
        writer.stage(_dialogue(), audio)
        writer.publish(["d0000000"])
        writer.finish()
    return folder


def _program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(("channel", "heard"), [(None, [0.25, -0.5]), ("agent", [0.25]), ("user", [-0.5])])
def test_listening_plays_the_recording_beside_its_transcript(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channel: str | None, heard: list[float]
) -> None:
    _program(tmp_path / "bin", "ffplay", f'for last; do :; done; /bin/cp "$last" "{tmp_path}/heard.wav"')
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    out = console()
    listen(corpus, "d0000000", channel, "ffplay", console=out)
    played, rate = soundfile.read(str(tmp_path / "heard.wav"), always_2d=True)
    assert rate == SAMPLE_RATE
    assert played.shape == (SAMPLE_RATE, len(heard))
    assert played.mean(axis=0) == pytest.approx(heard, abs=1e-3)
    lines = {"user": "  0:00.1  user   Good [bold]morning", "agent": "  0:00.3  agent  And a good one to you"}
    assert printed(out).splitlines() == ([lines[channel]] if channel else [lines["user"], lines["agent"]])


def test_stopping_ends_the_player_and_removes_its_file(tmp_path: Path) -> None:
    _program(tmp_path, "slow", "exec /bin/sleep 60")
    with ProgramPlayback(str(tmp_path / "slow"), np.zeros((1, 100), np.float32)) as playback:
        file = Path(playback.command[-1])
        assert playback.active
        assert file.exists()
    assert not playback.active
    assert not file.exists()


def test_without_a_player_the_message_names_the_file(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)  # as if it were not installed
    monkeypatch.setenv("PATH", str(corpus))
    recording = corpus / "shards" / "000000" / "d0000000.flac"
    for player in (None, "no-such-player", "sounddevice"):
        with pytest.raises(ValueError, match=str(recording)):
            listen(corpus, "d0000000", player=player)
    with pytest.raises(ValueError, match="'no-such-player' is not on PATH"):
        choose_player("no-such-player", recording)
    with pytest.raises(ValueError, match="choose agent or user"):
        listen(corpus, "d0000000", "both")
    with pytest.raises(ValueError, match="holds no dialogue 'd9'"):
        listen(corpus, "d9")


def test_transcript_strikes_through_what_was_cut() -> None:
    line = transcript_line(_dialogue().turns[1], 0.3)
    struck = [line.plain[span.start : span.end] for span in line.spans if span.style == "strike"]
    assert struck == [" to you"]


def test_stats_of_a_corpus_on_disk(corpus: Path) -> None:
    found = stats_of(Corpus(corpus))
    assert (found.dialogues, found.turns, found.words, found.recipe) == (1, 2, 6, "tiny")
    assert found.seconds == pytest.approx(1.0)
