"""TurnBench's file and rules, on cases counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agent.judging.turnbench import (
    Labels,
    Prediction,
    SpeakerEvents,
    Truth,
    choose_threshold,
    events_of,
    labels_of,
    match,
    predictions_of,
    read,
    score,
    write,
)
from agent.judging.turnbench_run import interruptions, run, turn_ends
from agent.listener import Cues, Listener
from corpus.audio import write_flac
from corpus.record import Dialogue, Speaker, Turn, Word


def test_an_event_is_found_from_a_quarter_before_to_three_seconds_after_or_to_the_next() -> None:
    truth = Truth((10.0, 20.0, 21.0))
    assert match([9.74], truth) == ([], 0)
    assert match([9.75], truth)[0] == pytest.approx([-0.25])
    assert match([13.0, 13.01], truth)[0] == pytest.approx([3.0])
    assert match([20.9, 21.5], truth)[0] == pytest.approx([0.9, 0.5])
    assert match([21.2], truth)[0] == pytest.approx([0.2])  # too late for the second: its time is over at the third


def test_firing_twice_in_one_pause_counts_once_and_a_hit_is_no_false_positive() -> None:
    truth = Truth((10.0,), ((4.0, 5.0), (6.0, 7.0), (10.1, 10.4)))
    assert match([4.2, 4.8, 10.2], truth) == ([pytest.approx(0.2)], 1)


def test_scores_pool_speakers_and_miss_what_was_not_predicted() -> None:
    truths = {
        ("speaker_1", "eot"): Truth((1.0, 5.0), ((2.0, 3.0),)),
        ("speaker_2", "eot"): Truth((8.0,), ((6.0, 6.5),)),
    }
    labels = [Labels("a", truths), Labels("b", truths)]
    prediction = Prediction(
        conversation_id="a", speaker_1=SpeakerEvents(eot=(1.3, 2.5)), speaker_2=SpeakerEvents(eot=(8.1,))
    )
    found = score([prediction], labels, "eot")
    assert (found.events, found.places) == (6, 4)
    assert (found.recall, found.false_positives) == (pytest.approx(2 / 6), pytest.approx(1 / 4))
    assert found.latency[1] == pytest.approx(0.2)


def test_a_rise_is_one_event_at_the_end_of_its_frame_and_what_is_looked_ahead_delays_it() -> None:
    track = np.array([0.1, 0.6, 0.7, 0.2, 0.6], np.float32)
    assert events_of(track, 0.5, frame=0.08) == (0.16, 0.4)
    assert events_of(track, 0.5, frame=0.08, delay=0.32) == (0.48, 0.72)
    assert events_of(np.array([0.9], np.float32), 0.5, frame=0.08) == (0.08,)


def test_the_threshold_keeps_false_positives_to_a_tenth() -> None:
    pauses = tuple((float(i), i + 0.5) for i in range(1, 11))
    truth = {("speaker_1", "eot"): Truth((12.0,), pauses), ("speaker_2", "eot"): Truth(())}
    track = np.zeros(160, np.float32)
    for i in range(1, 11):
        track[round(i / 0.1) + 1] = 0.1 + 0.05 * i  # in every pause, the last one at 0.6
    track[121] = 0.58  # less than in the last pause, more than in all others
    tracks = {("a", "speaker_1"): track, ("a", "speaker_2"): np.zeros(160, np.float32)}
    threshold = choose_threshold(tracks, [Labels("a", truth)], "eot", frame=0.1)
    assert 0.55 < threshold <= 0.58
    found = score(predictions_of({"eot": tracks}, {"eot": threshold}, 0.1), [Labels("a", truth)], "eot")
    assert (found.recall, found.false_positives) == (1.0, pytest.approx(0.1))


def test_our_dialogues_label_themselves() -> None:
    def turn(index: int, speaker: str, spans: list[tuple[float, float]], **more: object) -> Turn:
        words = tuple(Word(text="x", start=a, end=b, source="native") for a, b in spans)
        values = {"index": index, "speaker": speaker, "text": " ".join("x" * len(spans)), "words": words, **more}
        return Turn.model_validate(values)

    dialogue = Dialogue(
        id="d0",
        seed=0,
        speakers=(Speaker(id="agent", role="agent", channel=0), Speaker(id="user", role="user", channel=1)),
        turns=(
            turn(0, "user", [(0.0, 1.0), (1.5, 2.0)]),
            turn(1, "agent", [(2.3, 3.0), (3.05, 6.0)], cut_word=2, interrupted_by=3),
            turn(2, "user", [(3.2, 3.4)], event="backchannel"),
            turn(3, "user", [(5.5, 7.0)], event="interrupt"),
            turn(4, "agent", [(7.2, 8.0)]),
        ),
    )
    truths = labels_of(dialogue).truths
    assert truths["speaker_2", "eot"] == Truth((2.0, 7.0), ((1.0, 1.5),))
    assert truths["speaker_1", "eot"] == Truth(())  # cut short: no end of its own; the last turn is followed by none
    assert truths["speaker_2", "interruption"].events == (5.5,)
    assert truths["speaker_2", "interruption"].quiet == ((3.2, pytest.approx(4.4)),)


def test_the_file_is_as_the_benchmark_wants_it_and_comes_back(tmp_path: Path) -> None:
    tracks = {"eot": {("20", "speaker_1"): np.array([0.2, 0.9], np.float32)}}
    found = predictions_of(tracks, {"eot": 0.5}, 0.08)
    write(tmp_path, found, tracks)
    content = json.loads((tmp_path / "predictions.json").read_text())
    assert content == {
        "schema_version": 1,
        "predictions": [
            {
                "conversation_id": "20",
                "speaker_1": {"eot": [0.16], "interruption": []},
                "speaker_2": {"eot": [], "interruption": []},
            }
        ],
    }
    assert json.loads((tmp_path / "probs-eot.json").read_text()) == {"20": {"speaker_1": [0.2, 0.9]}}
    assert read(tmp_path / "predictions.json") == found


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ('{"schema_version": 2, "predictions": []}', "schema_version"),
        ('{"predictions": [{"conversation_id": "1", "speaker_1": {"eot": [2.0, 2.0]}}]}', "must rise strictly"),
        ('{"predictions": [{"conversation_id": "1", "speaker_3": {}}]}', "speaker_3"),
        ("{", "Invalid JSON"),
    ],
)
def test_what_a_scorer_would_refuse_is_one_line(tmp_path: Path, content: str, what: str) -> None:
    (tmp_path / "predictions.json").write_text(content)
    with pytest.raises(ValueError, match=what):
        read(tmp_path / "predictions.json")


def cues(speech: str, turn_end: float = 0.0, backchannel: float = 0.0) -> list[Cues]:
    return [Cues(0.9 if mark == "#" else 0.1, turn_end, 0.0, backchannel) for mark in speech]


def test_a_turn_may_end_after_two_frames_of_silence_and_never_before_anybody_spoke() -> None:
    track = turn_ends(cues("..####...#..###..", turn_end=0.75))
    assert np.flatnonzero(track).tolist() == [7, 8, 16]  # one frame of voice is no turn


def test_who_speaks_into_the_others_turn_interrupts_unless_it_is_a_sign_of_listening() -> None:
    other = cues("#######.............")
    assert np.flatnonzero(interruptions(cues("...#####............"), other)).tolist() == [5, 6, 7]
    assert not interruptions(cues("..............#####."), other).any()  # long after the other fell silent
    assert interruptions(cues("...#####............", backchannel=0.9), other).max() == pytest.approx(0.09)


def test_a_folder_of_two_channel_files_becomes_a_submission(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal((2, 48000)).astype(np.float32) * 1e-3
    (tmp_path / "talks").mkdir()
    write_flac(tmp_path / "talks" / "20.flac", noise)
    outcome = run(Listener.load(), tmp_path / "talks", tmp_path / "out")
    assert [each.conversation_id for each in read(tmp_path / "out" / "predictions.json")] == ["20"]
    assert outcome.scores == {}
    assert len(json.loads((tmp_path / "out" / "probs-int.json").read_text())["20"]["speaker_2"]) == 25
    write_flac(tmp_path / "talks" / "21.flac", noise[:1])
    with pytest.raises(ValueError, match=r"21\.flac has 1 channels"):
        run(Listener.load(), tmp_path / "talks")
    with pytest.raises(ValueError, match="holds no corpus and no sound file"):
        run(Listener.load(), tmp_path / "nothing")
