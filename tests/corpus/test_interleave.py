"""The interleaver on cases worked out by hand: 12.5 frames a second, a frame is 0.08 s."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.interleave import EPAD, PAD, StreamCount, TimedWord, approximate_tokens, interleave, replay

P, E = PAD, EPAD


def letters(word: str) -> list[int]:
    """One token a letter."""
    return [ord(letter) for letter in word]


def word(text: str, start: float, end: float | None = None, speaker: str = "SPEAKER_MAIN") -> TimedWord:
    return TimedWord(text, start, start + 0.2 if end is None else end, speaker)


A, B, C = map(ord, "abc")


@pytest.mark.parametrize(
    ("words", "tokens", "lost", "touched"),
    [
        pytest.param([], [P, P, P, P, P, P], 0, 0, id="silence"),
        pytest.param([word("ab", 0.16)], [P, E, A, B, P, P], 0, 0, id="EPAD before the first token"),
        pytest.param([word("ab", 0.1)], [E, A, B, P, P, P], 0, 0, id="the frame a start falls in"),
        pytest.param([word("ab", 0.0)], [A, B, P, P, P, P], 0, 0, id="no room for EPAD in frame 0"),
        pytest.param([word("aaa", 0.0), word("b", 0.16)], [A, A, B, P, P, P], 1, 1, id="the next word overwrites"),
        pytest.param([word("aa", 0.0), word("b", 0.16)], [A, A, B, P, P, P], 0, 0, id="no EPAD between adjacent words"),
        pytest.param([word("a", 0.0), word("b", 0.16)], [A, E, B, P, P, P], 0, 0, id="a PAD between becomes EPAD"),
        pytest.param([word("aa", 0.0), word("b", 0.07)], [B, P, P, P, P, P], 2, 1, id="two in a frame"),
        pytest.param([word("aaa", 0.32)], [P, P, P, E, A, A], 1, 1, id="cut by the end of the chunk"),
        pytest.param([word("b", 0.16), word("a", 0.0)], [A, E, B, P, P, P], 0, 0, id="sorted by start"),
        pytest.param([word("a", 0.16, 0.16), word("b", 0.2, 0.1)], [P, P, P, P, P, P], 0, 0, id="no length: dropped"),
        pytest.param([word("aa", 0.0), word(" ", 0.08)], [A, P, P, P, P, P], 1, 1, id="an empty word cuts off too"),
        pytest.param([word(" a ", 0.16)], [P, E, A, P, P, P], 0, 0, id="stripped"),
    ],
)
def test_stream(words: list[TimedWord], tokens: list[int], lost: int, touched: int) -> None:
    stream = interleave(words, 6, letters)
    assert (list(stream.tokens), stream.lost, stream.touched) == (tokens, lost, touched)
    assert stream.placed == sum(token not in (P, E) for token in tokens)


def test_replay_cuts_chunks_and_keeps_the_agent_only() -> None:
    words = [
        word("aaaa", 0.0),
        word("bb", 0.08, speaker="SPEAKER_USER"),
        word("aaa", 99.9),  # frame 1248 of 1250: one token too many
        word("aa", 100.0),  # frame 0 of the second chunk
        word("a", 100.09),  # frame 1
    ]
    assert replay(words, 120.0, letters) == StreamCount(words=4, placed=8, lost=2, touched=2)
    assert replay(words, 120.0, letters, speaker="SPEAKER_USER") == StreamCount(words=1, placed=2)
    assert replay(words, 120.0, letters).lost_share == 0.2
    assert replay([], 0.0) == StreamCount()


def test_replay_loses_unsorted_rows_of_other_chunks() -> None:
    words = [word("a", 150.0), word("b", 10.0), word("c", 160.0)]
    # the search for 100 s meets 10.0 first: "a" goes to the first chunk, past whose end it lies
    assert replay(words, 200.0, letters) == StreamCount(words=3, placed=2, lost=1, touched=1)


def test_approximate_tokens() -> None:
    counts = {"I": 1, "hello": 1, "hello,": 2, "wonderful": 2, "don't": 3, "1984": 4, "": 1, "naïve": 1, "?!": 2}
    assert {text: len(approximate_tokens(text)) for text in counts} == counts


def frame_by_frame(words: list[TimedWord], frames: int) -> list[int]:
    """The same rules as a machine that walks the frames with a queue."""
    waiting = sorted((word for word in words if word.start < word.end), key=lambda word: word.start)
    stream, queue = [P] * frames, []
    for frame in range(frames):
        while waiting and waiting[0].start * 12.5 < frame + 1:
            queue = letters(waiting.pop(0).text)
        if queue:
            if frame and stream[frame - 1] == P:
                stream[frame - 1] = E
            stream[frame] = queue.pop(0)
    return stream


TIMES = st.floats(0, 4, allow_nan=False)


@given(st.lists(st.builds(TimedWord, st.text("abc", max_size=6), TIMES, TIMES), max_size=12), st.integers(1, 60))
def test_stream_equals_a_walk_over_frames(words: list[TimedWord], frames: int) -> None:
    stream = interleave(words, frames, letters)
    assert list(stream.tokens) == frame_by_frame(words, frames)
    kept = [word for word in words if word.start < word.end]
    assert stream.words == len(kept)
    assert stream.placed + stream.lost == sum(len(word.text) for word in kept)
