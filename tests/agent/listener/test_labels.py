"""Labels by hand."""

from __future__ import annotations

import numpy as np

from agent.listener.labels import Stop, bridged, frame_labels, runs, voice_activity


def flags(*spans: tuple[int, int], hops: int = 400) -> np.ndarray:
    out = np.zeros(hops, bool)
    for start, end in spans:
        out[start:end] = True
    return out


def test_a_pause_and_an_end() -> None:
    # voice 0-80 and 120-200 of 400 hops; frames are 8 hops
    active = flags((0, 80), (120, 200))
    labels = frame_labels(active, [Stop(200, True, 0.5, "end"), Stop(80, False, 1.0, "gap")], flags())
    np.testing.assert_array_equal(labels.speech.nonzero()[0], [*range(10), *range(15, 25)])
    # asked from 60 ms of silence on: the frame 80-88 has 80 ms; while the voice is silent to the frame's end
    np.testing.assert_array_equal(labels.turn_end_weight[:15], [0] * 10 + [1] * 5)
    np.testing.assert_array_equal(labels.turn_end[:15], np.zeros(15))
    np.testing.assert_array_equal(labels.turn_end[25:], np.ones(25))
    np.testing.assert_array_equal(labels.turn_end_weight[25:45], [0.5] * 20)  # to 1.6 s
    np.testing.assert_array_equal(labels.turn_end_weight[45:], [0.125] * 5)
    # 0.5 s before the end at hop 200: from hop 150, in frame 18
    np.testing.assert_array_equal(labels.ends_soon.nonzero()[0], range(18, 25))
    np.testing.assert_array_equal(labels.ends_soon_weight, labels.speech)


def test_the_voice_ahead() -> None:
    labels = frame_labels(flags((0, 80), (120, 200)), [], flags())
    # after frame 9 (hop 80): 0-0.24 s silent, 0.24-0.64 s has voice from hop 120 on: 24 of 40; then all; then 56 of 80
    np.testing.assert_allclose(labels.future[9], [0, 24 / 40, 56 / 64, 0], atol=1e-6)
    np.testing.assert_allclose(labels.future[-1], np.zeros(4))


def test_a_backchannel_ends_no_turn() -> None:
    labels = frame_labels(flags((80, 120)), [Stop(120, False, 0.0, "backchannel")], flags((80, 120)))
    np.testing.assert_array_equal(labels.backchannel, labels.speech)
    assert not labels.turn_end_weight.any()
    assert not labels.ends_soon_weight.any()


def test_runs_and_bridges() -> None:
    active = flags((10, 20), (25, 30), (40, 50), hops=60)
    assert runs(active) == [(10, 20), (25, 30), (40, 50)]
    assert runs(bridged(active, 8)) == [(10, 30), (40, 50)]
    assert runs(~active) == [(0, 10), (20, 25), (30, 40), (50, 60)]


def test_voice_is_found_between_quiet() -> None:
    generator = np.random.default_rng(0)
    sound = generator.normal(0, 1e-3, 24_000 * 3).astype(np.float32)
    sound[24_000:36_000] += generator.normal(0, 0.1, 12_000).astype(np.float32)
    sound[36_960:48_000] += generator.normal(0, 0.1, 11_040).astype(np.float32)  # after 40 ms: one run
    ((start, end),) = runs(voice_activity(sound))
    assert abs(start - 100) <= 1
    assert abs(end - 200) <= 1
