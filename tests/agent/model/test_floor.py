"""A silent agent waits while a voice is heard; one that speaks is not held up."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from agent.live.stepper import RowOrder  # noqa: E402
from agent.model.floor import SILENT, silent_after, voice_heard, waiting  # noqa: E402
from agent.model.presets import tiny  # noqa: E402
from agent.model.streams import UNGENERATED  # noqa: E402

PLAIN = tiny(2)
CONFIG = replace(PLAIN, ours=replace(PLAIN.ours, lets_finish=3.0))


def test_silence_is_counted_from_the_last_word_on() -> None:
    silent, counted = 0, []
    for token in (17, CONFIG.pad, CONFIG.end_pad, 18, *[CONFIG.pad] * (SILENT + 2)):
        silent = silent_after(silent, token, CONFIG)
        counted.append(silent)
    assert counted == [0, 1, 2, 0, *range(1, SILENT + 1), SILENT, SILENT]
    assert [waiting(each, CONFIG) for each in (0, SILENT - 1, SILENT)] == [0.0, 0.0, 3.0]
    assert waiting(SILENT, PLAIN) == 0.0


def test_an_order_waits_for_words_and_for_the_mark_of_a_voice() -> None:
    order = RowOrder(pad_bias=0.5, waiting=3.0)
    heard = [17, CONFIG.end_pad, CONFIG.pad, UNGENERATED]
    assert [voice_heard(token, CONFIG) for token in heard] == [True, True, False, False]
    assert [order.with_heard(token, CONFIG).pad_bias for token in heard] == [3.5, 3.5, 0.5, 0.5]
    told = replace(order, heard=18)
    assert told.with_heard(17, CONFIG) == told
