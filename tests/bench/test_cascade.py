"""What an agent of other people's making plays is put together from timed pieces, and judged like ours."""

from __future__ import annotations

import numpy as np
import pytest

from agent.assistant.mouth.tone import ToneMouth
from agent.assistant.work import ThreadExecutor
from agent.judging.assistant import figures
from agent.judging.assistant_probes import VoiceProbe
from bench.agent.cascades.loudspeaker import Loudspeaker
from bench.agent.cascades.paced_talk import PacedTalk
from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Samples


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def piece(seconds: float, level: float = 0.3) -> Samples:
    """A part of an answer."""
    return np.full(round(seconds * SAMPLE_RATE), level, np.float32)


def test_pieces_play_in_order_and_none_before_its_time() -> None:
    speaker = Loudspeaker()
    speaker.play(0.1, piece(0.2, 0.1))
    speaker.play(0.15, piece(0.1, 0.2))  # waits for the first
    speaker.play(0.5, piece(0.1, 0.3))  # leaves a gap
    assert speaker.end == pytest.approx(0.6)
    sound = speaker.sound(0.64)
    assert len(sound) == 8 * FRAME_SAMPLES
    heard = [sound[round(at * SAMPLE_RATE)] for at in (0.05, 0.12, 0.29, 0.31, 0.39, 0.45, 0.55, 0.62)]
    assert heard == pytest.approx([0, 0.1, 0.1, 0.2, 0.2, 0, 0.3, 0])
    assert [bool(speaker.playing(at, 0.05)) for at in (0.61, 0.66)] == [True, False]


@pytest.mark.parametrize("seed", range(3))
def test_frames_are_the_sound_cut(seed: int) -> None:
    rng, speaker, at = np.random.default_rng(seed), Loudspeaker(), 0.0
    for _ in range(20):
        at += rng.uniform(0, 0.3)
        speaker.play(at, rng.standard_normal(rng.integers(0, 4000)).astype(np.float32))
    frames = [speaker.frame(index) for index in range(100)]
    np.testing.assert_array_equal(np.concatenate(frames), speaker.sound(8.0))
    assert not speaker.frame(-1).any(), "before the talk there is nothing"


def test_a_barge_in_is_answered_by_silence() -> None:
    """The user asks until 0.8 s, hears an answer from 1.6 s on, says something a second later; it ends 0.4 s after."""
    clock = Clock()
    probe = VoiceProbe("a", "barge-in", "S", np.zeros(10 * SAMPLE_RATE, np.float32), 0.8, "", piece(0.5))
    talk = PacedTalk(probe, clock)
    clock.at += 7.0
    talk.begin()  # what was before does not count
    frame, stopped = 0, False
    while (said := talk.frame()) is not None:
        clock.at += talk.until()
        frame += 1
        assert talk.now() == pytest.approx(frame * FRAME_SECONDS)
        onset = talk.held().onset
        stopped = stopped or (onset is not None and talk.now() >= onset + 0.4)
        if stopped:
            talk.interrupted()
        elif frame >= 20:
            talk.play(piece(FRAME_SECONDS))
        assert said.any() == (onset is not None and onset <= (frame - 1) * FRAME_SECONDS < onset + 0.5)
    held = talk.held()
    assert [event.kind for event in held.happened] == ["begin", "stop"], "one cut is one event"
    assert held.answer == pytest.approx(1.6, abs=0.02)
    assert held.onset == pytest.approx(1.6 + 1.0, abs=2 * FRAME_SECONDS)
    assert figures([held])["stop_p50"] == pytest.approx(0.4, abs=FRAME_SECONDS)
    assert len(held.agent) / SAMPLE_RATE == pytest.approx(held.onset + 4.0, abs=2 * FRAME_SECONDS)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pipecat_answers_what_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own pipeline, in real time: a voice from 0.4 to 1 s, then a silence of 0.3 s that ends the turn."""
    pytest.importorskip("pipecat", reason="pipecat-ai is not installed")
    from pipecat.audio.vad.silero import SileroVADAnalyzer

    from bench.agent.cascades.pipecat_talk import Setup, hold_pipecat

    def confidence(_: SileroVADAnalyzer, pcm: bytes) -> float:
        return float(np.abs(np.frombuffer(pcm, np.int16)).max() > 1000)

    monkeypatch.setattr(SileroVADAnalyzer, "voice_confidence", confidence)
    monkeypatch.setattr("agent.judging.assistant.ENOUGH", 0.1)  # s of an answer
    noise = 0.5 * np.random.default_rng(0).uniform(-1, 1, 20 * SAMPLE_RATE).astype(np.float32)
    noise[: round(0.4 * SAMPLE_RATE)] = noise[SAMPLE_RATE:] = 0
    heard: list[float] = []

    def hear(sound: Samples) -> str:
        heard.append(len(sound) / 16_000)
        return "what is it"

    executor = ThreadExecutor()
    setup = Setup(hear, lambda said: [f"you said {said}."], ToneMouth(executor), silence=0.3)
    held = hold_pipecat(setup, VoiceProbe("a", "request", "S", noise, 1.0, "what is it"))
    executor.close()
    assert len(heard) == 1
    assert [event.kind for event in held.happened] == ["heard", "think", "begin"]
    assert held.answer is not None
    assert held.answer > 1.25
    assert figures([held])["wer"] == 0.0
