"""Clips cut into pieces and turns put on a clock, against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from corpus.audio import SAMPLE_RATE
from corpus.record import Dialogue, Pause, Speaker, Turn, Word
from synth.speaking.clips import ATTACK, CUT_FADE, RELEASE, SpokenClip, cut_clip, spoken_turn
from synth.speaking.timeline import CHANNEL_GAP, onsets

SPEAKERS = (Speaker(id="agent", role="agent", channel=0), Speaker(id="user", role="user", channel=1))


def tone(words: list[tuple[float, float]], seconds: float) -> np.ndarray:
    """Silence with a constant 0.5 wherever a word is."""
    audio = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    for start, end in words:
        audio[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = 0.5
    return audio


def spoken(turn: Turn, words: list[tuple[float, float]], seconds: float) -> SpokenClip:
    timed = [
        Word(text=text, start=start, end=end, source="native")
        for text, (start, end) in zip(turn.written_words, words, strict=True)
    ]
    return cut_clip(tone(words, seconds), SAMPLE_RATE, timed, turn)


WORDS = [(0.2, 0.5), (0.55, 0.9), (1.4, 1.7), (1.75, 2.0)]


def test_a_turn_without_pauses_is_one_trimmed_piece() -> None:
    clip = spoken(Turn(index=0, speaker="agent", text="one two three four"), WORDS, 2.5)
    assert len(clip.pieces) == 1
    assert clip.words[0].start == pytest.approx(ATTACK, abs=1e-3)
    assert clip.duration == pytest.approx(2.0 - 0.2 + ATTACK + RELEASE, abs=1e-3)


@pytest.mark.parametrize("seconds", [0.05, 0.5, 1.3])
def test_a_planned_pause_replaces_the_engine_silence(seconds: float) -> None:
    turn = Turn(index=0, speaker="agent", text="one two, three four", pauses=(Pause(after_word=2, seconds=seconds),))
    clip = spoken(turn, WORDS, 2.5)
    assert len(clip.pieces) == 2
    between = clip.words[2].start - clip.words[1].end
    # sound around the words is never cut away, so a very short pause is as long as the edges that are kept
    assert between == pytest.approx(max(seconds, ATTACK + RELEASE), abs=2e-3)
    assert [round(word.end - word.start, 3) for word in clip.words] == [0.3, 0.35, 0.3, 0.25]


def test_word_times_match_the_sound_they_name() -> None:
    turn = Turn(index=0, speaker="agent", text="one two, three four", pauses=(Pause(after_word=2, seconds=0.7),))
    clip = spoken(turn, WORDS, 2.5)
    heard = np.zeros(round(clip.duration * SAMPLE_RATE) + 1, np.float32)
    for piece in clip.pieces:
        heard[piece.start : piece.start + len(piece.samples)] += piece.samples
    expected = tone([(word.start, word.end) for word in clip.words], len(heard) / SAMPLE_RATE)
    assert np.abs(heard - expected).mean() < 1e-3


def test_a_cut_removes_audio_and_words_together() -> None:
    turn = Turn(index=0, speaker="agent", text="one two three four", cut_word=3)
    clip = spoken(turn, WORDS, 2.5)
    assert [word.text for word in clip.words] == ["one", "two", "three"]
    assert clip.duration == pytest.approx(1.7 - 0.2 + ATTACK + min(CUT_FADE, 0.05 / 2), abs=1e-3)


def test_placing_moves_every_word_by_the_onset() -> None:
    turn = Turn(index=0, speaker="agent", text="one two three four")
    clip = spoken(turn, WORDS, 2.5)
    moved = spoken_turn(turn, clip, 3 * SAMPLE_RATE)
    assert [round(b.start - a.start, 4) for a, b in zip(clip.words, moved.words, strict=True)] == [3.0] * 4
    assert (moved.start, moved.end) == (moved.words[0].start, moved.words[-1].end)


def dialogue(*turns: Turn) -> tuple[Dialogue, dict[int, SpokenClip]]:
    clips = {turn.index: spoken(turn, WORDS, 2.5) for turn in turns}
    return Dialogue(id="d0", seed=0, speakers=SPEAKERS, turns=turns), clips


def word_starts(plan: Dialogue, clips: dict[int, SpokenClip]) -> list[float]:
    return [starts / SAMPLE_RATE + clips[i].words[0].start for i, starts in onsets(plan, clips).items()]


def turn(index: int, speaker: str, **more: object) -> Turn:
    return Turn.model_validate({"index": index, "speaker": speaker, "text": "one two three four", **more})


SPAN = 1.8  # s from the first word's start to the last word's end


def test_offsets_run_from_word_end_to_word_start() -> None:
    plan, clips = dialogue(turn(0, "agent", offset=0.5), turn(1, "user", anchor=0, offset=0.3))
    assert word_starts(plan, clips) == pytest.approx([0.5, 0.5 + SPAN + 0.3], abs=1e-3)


def test_overlap_is_bounded_by_what_was_heard_and_by_the_reply() -> None:
    plan, clips = dialogue(turn(0, "agent", offset=0.5), turn(1, "user", anchor=0, offset=-5.0))
    first, second = word_starts(plan, clips)
    assert second > first + 0.3 * SPAN
    assert second + SPAN > first + SPAN, "a reply sticks out of the turn it answers"


def test_a_barge_in_starts_before_the_cut_word_ends() -> None:
    plan, clips = dialogue(
        turn(0, "agent", offset=0.5, cut_word=3),
        turn(1, "user", event="interrupt", anchor=0, anchor_word=3, offset=-0.4),
    )
    assert word_starts(plan, clips)[1] == pytest.approx(0.5 + 1.5 - 0.4, abs=1e-3)


def test_a_backchannel_may_lie_inside_and_does_not_take_the_floor() -> None:
    plan, clips = dialogue(
        turn(0, "agent", offset=0.5),
        turn(1, "user", event="backchannel", anchor=0, anchor_word=1, offset=0.1),
        turn(2, "agent", anchor=0, offset=0.4),
    )
    starts = word_starts(plan, clips)
    assert starts[1:] == pytest.approx([0.5 + 0.3 + 0.1, 0.5 + SPAN + 0.4], abs=1e-3)


def test_one_channel_never_talks_over_itself() -> None:
    plan, clips = dialogue(
        turn(0, "agent", offset=0.5),
        turn(1, "user", event="backchannel", anchor=0, anchor_word=4, offset=0.1),
        turn(2, "user", anchor=0, offset=0.2),
    )
    placed = onsets(plan, clips)
    assert placed[2] / SAMPLE_RATE >= placed[1] / SAMPLE_RATE + clips[1].duration + CHANNEL_GAP - 1e-3
