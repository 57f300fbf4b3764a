"""The word lists trainers read: room for every token, starts that stay inside their words."""

from __future__ import annotations

import json
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.alignments import alignments_bytes, spaced
from corpus.interleave import TimedWord, interleave
from corpus.record import Dialogue, Speaker, Turn, Word


def word(text: str, start: float, end: float) -> Word:
    return Word(text=text, start=start, end=end, source="native")


def test_a_word_waits_for_the_tokens_before_it() -> None:
    """'Yes,' wants frames 0 and 1, so 'I', which begins in frame 1, is listed from frame 2, after 0.16 s."""
    listed = list(spaced([word("Yes,", 0.0, 0.1), word("I", 0.1, 0.3), word("do", 0.4, 0.6)]))
    assert [start for start, _ in listed] == [0.0, 0.1601, 0.4]


def test_a_word_on_the_border_of_its_frame_is_laid_in_it_wherever_the_chunk_begins() -> None:
    """9.04 s is frame 113, but 9.04 * 12.5 is less than 113 in floating point."""
    for begin in (0.0, 100.0, 1_300.0):
        words = [word("it's", begin + 8.813, begin + 9.013), word("four", begin + 9.04, begin + 9.203)]
        timed = [TimedWord(each.text, start - begin, each.end - begin) for start, each in spaced(words)]
        assert interleave(timed, 125).lost == 0


def test_a_word_too_short_to_wait_keeps_its_last_moment() -> None:
    listed = list(spaced([word("Yes,", 0.0, 0.08), word("I", 0.09, 0.12)]))
    assert [start for start, _ in listed] == [0.0, 0.11]


TEXTS = st.sampled_from(["a", "I", "Yes,", "appointment.", "you're", "of", "twenty-three,"])
WORDS = st.lists(st.tuples(TEXTS, st.floats(0.03, 0.6), st.floats(0.0, 0.3)), min_size=1, max_size=60)


@settings(max_examples=150, deadline=None)
@given(WORDS)
def test_spacing_never_loses_more_and_never_leaves_the_word(rows: list[tuple[str, float, float]]) -> None:
    words, at = [], 0.0
    for text, length, gap in rows:
        words.append(word(text, round(at, 4), round(at + length, 4)))
        at += length + gap
    frames = math.ceil(at * 12.5) + 10
    listed = list(spaced(words))
    assert all(each.start <= start < each.end for start, each in listed)
    assert [start for start, _ in listed] == sorted(start for start, _ in listed)
    before = interleave([TimedWord(each.text, each.start, each.end) for each in words], frames)
    after = interleave([TimedWord(each.text, start, each.end) for start, each in listed], frames)
    assert after.lost <= before.lost


def test_both_channels_stand_in_one_list_by_start() -> None:
    speakers = (Speaker(id="agent", role="agent", channel=0), Speaker(id="user", role="user", channel=1))
    turns = (
        Turn(index=0, speaker="agent", text="Hello there", words=(word("Hello", 0.5, 0.8), word("there", 0.9, 1.2))),
        Turn(index=1, speaker="user", text="Hi", words=(word("Hi", 0.85, 1.0),)),
    )
    content = json.loads(alignments_bytes(Dialogue(id="d0", seed=0, speakers=speakers, turns=turns)))
    assert content == {
        "alignments": [
            ["Hello", [0.5, 0.8], "SPEAKER_MAIN"],
            ["Hi", [0.85, 1.0], "SPEAKER_USER"],
            ["there", [0.9, 1.2], "SPEAKER_MAIN"],
        ]
    }
