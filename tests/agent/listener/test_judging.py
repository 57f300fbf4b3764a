"""Figures by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.listener import Listener, judging
from agent.listener.judging import DecisionScore, asked, figures, frame_after, separation
from agent.listener.labels import voice_activity
from agent.listener.recordings import ClipWord, CollectedRecording, TurnClip
from agent.listener.sounds import Decision, JudgedSound, call, natural, spliced
from corpus.audio import Samples


def burst(*spans: tuple[float, float], seconds: float) -> Samples:
    """Noise for voice, between hardly anything."""
    generator = np.random.default_rng(1)
    sound = generator.normal(0, 1e-4, round(24_000 * seconds))
    for start, end in spans:
        sound[round(24_000 * start) : round(24_000 * end)] += generator.normal(0, 0.1, round(24_000 * (end - start)))
    return sound.astype(np.float32)


def clip(sound: Samples, *words: ClipWord) -> TurnClip:
    return TurnClip(
        CollectedRecording(Path("none"), "a.opus", "S", "sentences", 4.0), sound, words, voice_activity(sound)
    )


def test_ends_and_pauses_apart() -> None:
    apart = separation([1.0, 2.0, 3.0, 4.0], [0.0, 1.0])
    assert apart.auc == pytest.approx((4 + 3.5) / 8)
    # to miss 5 % of the ends, the threshold lies at 1.15; to miss 13 %, at 1.39
    assert apart.taken == (0.0, 0.0)
    assert separation([0.0, 2.0], [0.05, 0.2, 1.0, -1.0]).taken == (0.5, 0.25)
    with pytest.raises(ValueError, match="some of each"):
        separation([1.0], [])


@pytest.mark.parametrize(("hop", "frame"), [(0, 3), (1, 3), (5, 3), (6, 4), (80, 13)])
def test_the_frame_after_a_silence(hop: int, frame: int) -> None:
    assert frame_after(hop, 0.3) == frame
    assert 0.27 <= (8 * (frame + 1) - hop) / 100 < 0.35


def test_natural_gaps_are_pauses_and_their_border_is_known() -> None:
    sound = burst((0.5, 1.5), (2.0, 3.0), (3.2, 3.8), seconds=5)
    said = clip(sound, ClipWord("One,", 0.5, 1.5), ClipWord("two", 2.0, 3.0), ClipWord("three.", 3.2, 3.8))
    (judged,) = natural([said], "requests", np.random.default_rng(0))
    pause, end = judged.decisions
    assert (pause.over, pause.kind, end.over, end.kind) == (False, "clause", True, "end")
    assert abs(pause.until - pause.hop - 50) <= 2
    assert abs(end.hop - pause.hop - 230) <= 2  # from 1.5 to 3.8 s


def test_a_pause_put_in_lies_where_the_label_says() -> None:
    sound = burst((0.5, 1.5), (1.52, 2.5), (2.52, 3.5), seconds=5)
    said = clip(sound, ClipWord("one", 0.5, 1.5), ClipWord("two", 1.52, 2.5), ClipWord("three.", 2.52, 3.5))
    (judged,) = spliced([said], np.random.default_rng(0))
    cut, end = judged.decisions
    level = np.abs(judged.sound.reshape(-1, 240)).mean(1)
    assert level[cut.hop + 1 : cut.until - 2].max() < 0.05 * level[cut.hop - 20 : cut.hop - 2].min()
    assert level[cut.until + 4 : end.hop - 2].mean() > 20 * level[end.hop + 2 :].mean()


def test_a_call_has_pauses_and_changes_of_speaker() -> None:
    one = burst((0.5, 2.0), (2.6, 4.0), (9.0, 10.0), seconds=12)  # pauses at 2.0, ends at 4.0, is alone at 10.0
    other = burst((4.5, 8.0), seconds=12)
    first, second = call("call", [("A", one), ("B", other)])
    assert [(d.kind, round(d.hop / 10)) for d in first.decisions] == [("hold", 20), ("end", 40)]
    assert [(d.kind, round(d.hop / 10)) for d in second.decisions] == [("end", 80)]


def test_a_peer_hears_nothing_after_its_decision() -> None:
    heard = []
    judged = JudgedSound("requests", "a", "S", np.zeros(48_000, np.float32), (Decision(40, True, "end", 200),))

    def opinion(sound: Samples, silence: float) -> float:
        heard.append((len(sound), silence))
        return 0.5

    (score,) = asked(opinion, [judged])
    ((samples, silence),) = heard
    assert (samples, round(silence, 4)) == (9 * 1920, 0.32)
    assert score == DecisionScore("requests", "end", True, 0.0)
    assert figures([score]) == {}


def test_a_trigger_needs_two_voiced_frames_near_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def hears(*voiced: int) -> int:
        cues = [(float(frame in voiced), 0.9) for frame in range(60)]
        monkeypatch.setattr(judging, "listen", lambda listener, sound: iter(cues))
        return judging.triggers(Listener.load(), np.zeros(0, np.float32), 0.5)

    assert hears() == hears(5) == hears(5, 30) == 0
    assert hears(5, 6) == hears(5, 9) == hears(5, 6, 8, 57) == 1
    assert hears(5, 6, 30, 31) == 2
