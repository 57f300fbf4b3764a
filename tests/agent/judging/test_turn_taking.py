"""Full-Duplex-Bench's quantities against cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.judging import turn_taking
from agent.judging.answers import answered, spoken
from agent.judging.turn_taking import SpeechTimes
from corpus.interleave import TimedWord

SILENT = SpeechTimes(())


def speech(*segments: tuple[float, float], words: tuple[float, ...] = ()) -> SpeechTimes:
    return SpeechTimes.heard(segments, [TimedWord(f"w{start}", start, start + 0.2) for start in words])


def test_words_count_only_where_speech_is_heard() -> None:
    heard = speech((1.0, 2.0), words=(0.55, 0.7, 1.5, 2.39, 2.41))
    assert [word.start for word in heard.words] == [0.7, 1.5, 2.39]
    assert heard.words_of(0) == 3


def test_a_part_of_speech_is_cut_to_its_span() -> None:
    part = speech((1.0, 2.0), (3.0, 5.0), words=(1.2, 3.1, 4.5)).within(1.5, 4.0)
    assert part.segments == ((1.5, 2.0), (3.0, 4.0))
    assert [word.start for word in part.words] == [3.1]
    assert part.seconds == pytest.approx(1.5)
    assert part.span == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("segments", "words", "taken"),
    [
        ((), (), False),  # silence
        (((0.0, 0.9),), (0.0, 0.3, 0.6), False),  # shorter than 1 s, three words
        (((0.0, 0.9),), (0.0, 0.2, 0.4, 0.6), True),  # four words
        (((0.0, 1.0),), (), True),  # a second without a word of text
        (((0.0, 0.3), (1.2, 1.4)), (0.0,), True),  # spans more than 1 s
    ],
)
def test_takeover(segments: tuple[tuple[float, float], ...], words: tuple[float, ...], taken: bool) -> None:
    assert turn_taking.takeover(speech(*segments, words=words)) is taken


def test_turn_latency_counts_from_the_end_and_never_below_zero() -> None:
    assert turn_taking.turn_latency(speech((5.4, 7.0)), 5.0, 10.0) == pytest.approx(0.4)
    assert turn_taking.turn_latency(speech((4.0, 7.0)), 5.0, 10.0) == 0.0
    assert turn_taking.turn_latency(speech((5.4, 5.9), words=(5.4,)), 5.0, 10.0) is None  # a mere "mhm"
    assert turn_taking.turn_latency(speech((11.0, 13.0)), 5.0, 10.0) is None  # too late


def test_listening_tells_backchannels_from_talking() -> None:
    done = turn_taking.listen(
        speech((2.0, 2.4), (4.0, 4.8), (6.0, 8.0), (9.5, 14.0), words=(2.0, 4.0, 4.3, 4.6, 6.0)), 1.0, 10.0
    )
    assert done.backchannels == (2.0,)  # three words, then two seconds, then an early answer are none
    assert not done.takeover  # only half a second of the answer lies in the turn
    assert turn_taking.listen(speech((2.0, 5.1)), 1.0, 10.0).takeover
    assert turn_taking.listen(SILENT, 1.0, 10.0) == turn_taking.Listening(False, ())


def test_backchannel_times_are_compared_around_clause_ends() -> None:
    offsets = turn_taking.clause_offsets([2.1, 4.9], [2.0, 5.0])
    assert offsets == pytest.approx([0.1, -0.1])
    assert turn_taking.clause_offsets([2.1], []) == []
    counts = turn_taking.offset_histogram([0.0, 0.05, -9.0, 9.0])
    assert counts.sum() == 4
    assert (counts[0], counts[7], counts[14]) == (1, 2, 1)  # window 7 is -0.1 .. 0.1


def test_divergence_in_bits() -> None:
    one, other = np.array([1.0, 0.0]), np.array([0.0, 3.0])
    assert turn_taking.divergence(one, one) == 0.0
    assert turn_taking.divergence(one, other) == pytest.approx(1.0)
    assert turn_taking.divergence(one, np.zeros(2)) == 1.0
    # p = (1/2, 1/2), q = (1, 0), middle (3/4, 1/4): half of log2(2/3)/2 + log2(2)/2 + log2(4/3)
    expected = (0.5 * math.log2(2 / 3) + 0.5 + math.log2(4 / 3)) / 2
    assert turn_taking.divergence(np.array([1.0, 1.0]), one) == pytest.approx(expected)


def test_stopping_and_answering_an_interruption() -> None:
    talk = speech((1.0, 4.3), (6.5, 8.0))
    assert turn_taking.stop_latency(talk, 4.0, 8.0) == pytest.approx(0.3)
    assert turn_taking.stop_latency(talk, 5.0, 8.0) is None  # was not speaking
    assert turn_taking.stop_latency(speech((1.0, 9.0)), 4.0, 8.0) is None  # did not stop
    assert turn_taking.response_latency(talk, 4.0, 6.0, 8.0, 10.0) == pytest.approx(0.5)
    assert turn_taking.response_latency(speech((1.0, 9.0)), 4.0, 6.0, 8.0, 10.0) is None
    # stopped 0.4 s after the interruption's end, next turn 1 s after that end
    assert turn_taking.response_latency(speech((1.0, 6.4), (7.0, 8.5)), 4.0, 6.0, 8.0, 10.0) == pytest.approx(1.0)


def test_keeping_the_floor_is_measured_against_the_undisturbed_run() -> None:
    clean = speech((1.0, 6.0))
    assert turn_taking.keeps_floor(speech((1.0, 4.0), (4.5, 6.0)), clean, 3.0, 6.0) is True
    assert turn_taking.keeps_floor(speech((1.0, 3.5)), clean, 3.0, 6.0) is False
    assert turn_taking.keeps_floor(speech((1.0, 3.2)), speech((1.0, 3.2)), 3.0, 6.0) is None  # it was done anyway


def test_silence_and_the_balance_of_waiting_and_answering() -> None:
    assert turn_taking.silence_ratio(speech((0.0, 2.0), (3.0, 4.0)), 10.0) == pytest.approx(0.7)
    assert turn_taking.silence_ratio(SILENT, 10.0) == 1.0
    assert turn_taking.waits_and_answers(0.0, 0.0) == 0.0  # never speaks
    assert turn_taking.waits_and_answers(1.0, 1.0) == 0.0  # never waits
    assert turn_taking.waits_and_answers(0.19, 1.0) == pytest.approx(0.9)


def test_answers_are_compared_as_spoken() -> None:
    assert spoken("It's 1,203: the 21st, 40th, 3:05 or 2.5!") == (
        "it's one thousand two hundred three the twenty first fortieth three oh five or two point five"
    )
    assert answered("That makes 42.", "forty-two")
    assert answered("two hundred three", "two hundred and three")
    assert not answered("That is forty two thousand", "four")
    assert not answered("seventeen", "seven")
