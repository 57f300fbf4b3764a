"""Judging a model: talks, probes, scores, Full-Duplex-Bench's folders."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import torch
from torch import Tensor

from agent import GREEDY, LanguageModel
from agent.files.vocabulary import Vocabulary, train_vocabulary
from agent.hearing.stream import Hearing
from agent.judging import fdb
from agent.judging.evaluate import GROUPS, ROWS_SHOWN, evaluate, hold, prompt_of, write_layout
from agent.judging.probes import DISTURBANCES, Probe, ProbeSet, build_probes
from agent.judging.published import PUBLISHED
from agent.judging.scoring import Judged, reference, score
from agent.judging.turn_taking import SpeechTimes
from agent.model.presets import tiny
from agent.offline.converse import OfflineTalk, Prompt, converse, stream_words
from agent.offline.users import Provoker, RecordedUser, agent_segments
from codec import Codec
from codec.config import tiny as tiny_codec
from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE, Samples, to_samples
from corpus.interleave import TimedWord
from corpus.reader import Corpus
from tests.support.agent_fixtures import noise
from tests.support.probe_corpus import SCRIPT, probe_corpus
from tests.support.tiny_corpus import write_corpus

WORDS = "that makes seven two and four mhm yes hello there how are you"


@dataclass(frozen=True)
class TinyBundle:
    model: LanguageModel
    codec: Codec
    vocabulary: Vocabulary
    hearing: Hearing | None = None


@functools.cache
def tiny_bundle() -> TinyBundle:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        vocabulary = train_vocabulary([WORDS], 290)
        config = dataclasses.replace(tiny(2), text_card=vocabulary.size)
        return TinyBundle(LanguageModel(config).eval(), Codec(tiny_codec(2)).eval(), vocabulary)


@pytest.fixture(scope="module")
def probes(tmp_path_factory: pytest.TempPathFactory) -> ProbeSet:
    return build_probes(probe_corpus(tmp_path_factory.mktemp("probes") / "corpus"), 4)


def test_a_talk_is_the_same_alone_and_beside_others() -> None:
    sounds = [noise(12, seed=1), noise(7, seed=2), noise(20, seed=3)]
    together = converse(tiny_bundle(), [RecordedUser(each) for each in sounds], seeds=[5, 6, 7])
    for sound, seed, talk in zip(sounds, [5, 6, 7], together, strict=True):
        alone = converse(tiny_bundle(), [RecordedUser(sound)], seeds=[seed])[0]
        assert talk.text.tolist() == alone.text.tolist()
        assert talk.heard is not None
        assert alone.heard is not None
        assert talk.heard.tolist() == alone.heard.tolist()
        np.testing.assert_allclose(talk.agent, alone.agent, atol=1e-4)
        np.testing.assert_array_equal(talk.user, sound)
        assert len(talk.agent) == len(sound)


def test_a_prompt_is_said_and_the_model_goes_on_from_it_as_in_training() -> None:
    bundle, frames, free = tiny_bundle(), 14, 9
    config, late = bundle.model.config, max(bundle.model.config.delays)
    random = torch.Generator().manual_seed(0)
    codes = torch.randint(config.card, (config.agent_codebooks, free), generator=random)
    text = torch.randint(4, config.text_card, (free,), generator=random)
    user = noise(frames, seed=4)
    talk = converse(bundle, [RecordedUser(user)], prompts=[Prompt(codes, text)], sampling=GREEDY)[0]
    # training's frame t is heard as the user's frame t + 1, and said after the longest delay and one frame more
    said = talk.text[late + 1 :].tolist()
    assert said[: free - 1] == text[1:].tolist()
    heard = torch.from_numpy(talk.heard)
    aligned = torch.full((1, config.streams, free), -1)
    aligned[0, 0, : free - 1] = text[1:]
    aligned[0, 1 : 1 + config.agent_codebooks, : free - 1] = codes[:, 1:]
    aligned[0, 1 + config.agent_codebooks : 1 + config.n_q] = user_codes(bundle, user)[:, 1 : free + 1]
    aligned[0, 1 + config.n_q] = heard[1 : free + 1]
    with torch.no_grad():
        assert said[free - 1] == int(bundle.model(aligned).text_logits[0, 0, free - 1].argmax())


def user_codes(bundle: TinyBundle, sound: Samples) -> Tensor:
    return bundle.codec.encode(torch.from_numpy(sound)[None, None])[0]


def test_words_of_a_text_stream() -> None:
    vocabulary = tiny_bundle().vocabulary
    pad, end_pad = vocabulary.pad, vocabulary.end_pad
    hello, seven = vocabulary.encode("hello"), vocabulary.encode("seven")
    stream = [pad, end_pad, *hello, end_pad, *seven, *[pad] * 20]
    first, second = stream_words(np.array(stream), vocabulary, offset=1.0)
    assert (first.text, second.text) == ("hello", "seven")
    assert first.start == pytest.approx(1.16)
    assert second.start == pytest.approx(1.16 + 0.08 * (len(hello) + 1))
    assert first.end == pytest.approx(min(second.start, first.start + 0.6))
    assert second.end == pytest.approx(second.start + max(0.6, 0.08 * len(seven)))


def test_a_user_reacts_a_second_after_the_agent_begins() -> None:
    turn, more = noise(3), np.full(2 * FRAME_SAMPLES, 0.5, np.float32)
    user = Provoker(turn, 40 * 0.08, more, -65.0)
    loud, quiet = noise(1, level=0.1), np.zeros(FRAME_SAMPLES, np.float32)
    frames = [user.reply(loud if index >= 10 else quiet) for index in range(40)]
    assert user.reply(quiet) is None
    levels = [float(np.abs(frame).mean()) for frame in frames if frame is not None]
    assert [index for index, value in enumerate(levels) if value > 0.4] == [22, 23]  # 13 frames of speech: 10 to 22
    assert user.onset == pytest.approx(22 * 0.08)
    assert max(levels[3:22]) < 1e-3
    silent = Provoker(turn, 40 * 0.08, more, -65.0)
    assert all(silent.reply(quiet) is not None for _ in range(40))
    assert silent.onset is None


def test_probes_hold_what_the_records_say(probes: ProbeSet) -> None:
    assert not probes.missing
    asked = next(probe for probe in probes.of("turn") if probe.question is not None)
    told = next(probe for probe in probes.of("turn") if probe.question is None)
    assert asked.question is not None
    assert asked.question.answer == "seven"
    assert asked.turn == pytest.approx((2.5, 5.85))  # the context is the whole dialogue before
    assert asked.pauses == (pytest.approx((3.35, 4.4)),)
    assert asked.free == pytest.approx(2.48)
    assert [word.text for word in asked.words] == ["hello", "there", "how", "are", "you"]
    assert asked.answer[0] - asked.turn[1] == pytest.approx(0.65)
    assert len(told.clause_ends) == 2
    assert told.listened == (pytest.approx(14.2 - 12.0 + told.turn[0]),)
    assert told.turn[0] == pytest.approx(8.0, abs=0.08)
    for kind in ("clean", *DISTURBANCES):
        assert [probe.id for probe in probes.of(kind)] == [probe.id for probe in probes.of("clean")] != []
    said = {kind: probes.of(kind)[0].disturbance_text for kind in DISTURBANCES}
    assert said["interruption"] in (SCRIPT[9][2], "well tell me what is three and four?")
    assert (said["backchannel"], said["talk_to_other"]) == ("mhm", "turn it down please")
    assert probes.of("interruption")[0].question is not None


def test_a_kind_that_a_corpus_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tuple(line for line in SCRIPT if line[1] != "aside")
    monkeypatch.setattr("tests.support.probe_corpus.SCRIPT", kept)
    monkeypatch.setattr("tests.support.probe_corpus.QUESTIONS", {1: "seven"})
    found = build_probes(probe_corpus(tmp_path / "corpus", 1), 4)
    assert [each.name for each in found.missing] == ["talk_to_other"]


def test_the_prompt_of_a_probe_lays_its_words(probes: ProbeSet) -> None:
    bundle = tiny_bundle()
    asked = next(probe for probe in probes.of("turn") if probe.question is not None)
    prompt = prompt_of(asked, bundle)
    assert prompt is not None
    assert prompt.codes.shape == (2, len(prompt.text)) == (2, 31)
    assert [word.text for word in stream_words(prompt.text.numpy(), bundle.vocabulary)] == [
        "hello",
        "there",
        "how",
        "are",
        "you",
    ]


Policy = Callable[[Probe, float], list[tuple[float, float, str]]]


def ideal(probe: Probe, onset: float) -> list[tuple[float, float, str]]:
    """Waits, answers rightly after 0.3 s, listens, stops for an interruption, and goes on in spite of all else."""
    end = probe.turn[1]
    if probe.kind == "dialogue":
        return []
    if probe.kind == "turn" and probe.question is None:
        return [(probe.listened[0], probe.listened[0] + 0.3, "mhm"), (end + 0.3, end + 3.0, "I see what you mean")]
    if probe.kind == "turn":
        return [(end + 0.3, end + 2.0, "that makes 7")]
    if probe.kind != "interruption":
        return [(end + 0.3, end + 8.0, "so let me tell you all")]
    assert probe.disturbance is not None
    assert probe.question is not None
    after = onset + len(probe.disturbance) / SAMPLE_RATE
    return [(end + 0.3, onset + 0.2, "so let"), (after + 0.4, after + 2.5, f"that is {probe.question.answer}")]


def silent(probe: Probe, onset: float) -> list[tuple[float, float, str]]:
    return []


def babbling(probe: Probe, onset: float) -> list[tuple[float, float, str]]:
    return [(0.1, probe.turn[1] + probe.tail, "and and and and and")]


def play(probe: Probe, policy: Policy) -> Judged:
    """A talk that goes as a policy says, with sound."""
    onset = probe.turn[1] + 1.3
    lines = policy(probe, onset)
    seconds = probe.turn[1] + probe.tail
    rng = np.random.default_rng(1)
    agent = (1e-5 * rng.standard_normal(to_samples(seconds))).astype(np.float32)
    words = []
    for start, end, text in lines:
        agent[to_samples(start) : to_samples(end)] += 0.1 * rng.standard_normal(
            len(agent[to_samples(start) : to_samples(end)])
        ).astype(np.float32)
        tokens = text.split()
        step = (end - start) / len(tokens)
        words += [TimedWord(token, start + i * step, start + (i + 1) * step) for i, token in enumerate(tokens)]
    frames = math.ceil(seconds / 0.08)
    user = np.pad(probe.user, (0, max(0, len(agent) - len(probe.user))))
    talk = OfflineTalk(user, agent, np.zeros(frames, np.int64), None, tiny_bundle().model.config)
    spoke = bool(lines) and probe.disturbance is not None
    return Judged(probe, talk, tuple(words), SpeechTimes.heard(agent_segments(agent), words), onset if spoke else None)


def test_who_waits_answers_listens_and_stops_scores_well(probes: ProbeSet) -> None:
    values = score([play(probe, ideal) for probe in probes.probes]).values
    assert (values["pause_tor"], values["turn_tor"], values["waits_and_answers"]) == (0.0, 1.0, 1.0)
    assert values["turn_latency"] == pytest.approx(0.3, abs=0.03)
    assert values["backchannel_tor"] == 0.0
    assert values["backchannels_per_second"] > 0.05
    assert values["backchannel_jsd"] == 0.0
    assert (values["provoked"], values["interruption_tor"], values["stop_share"]) == (1.0, 1.0, 1.0)
    assert values["stop_latency"] == pytest.approx(0.2, abs=0.03)
    assert values["interruption_latency"] == values["response_latency"] == pytest.approx(0.4, abs=0.03)
    assert [values[f"keeps_{kind}"] for kind in DISTURBANCES[1:]] == [1.0, 1.0, 1.0]
    assert (values["answers_text"], values["answers_interrupted"]) == (1.0, 1.0)


def test_never_speaking_looks_bad(probes: ProbeSet) -> None:
    values = score([play(probe, silent) for probe in probes.probes]).values
    assert values["pause_tor"] == 0.0
    assert (values["waits_and_answers"], values["turn_tor"], values["interruption_tor"]) == (0.0, 0.0, 0.0)
    assert (values["provoked"], values["backchannel_jsd"], values["answers_text"]) == (0.0, 1.0, 0.0)
    assert [values[f"keeps_{kind}"] for kind in DISTURBANCES[1:]] == [0.0, 0.0, 0.0]
    assert values["silence_ratio"] == 1.0
    assert "turn_latency" not in values


def test_never_waiting_looks_bad(probes: ProbeSet) -> None:
    values = score([play(probe, babbling) for probe in probes.probes]).values
    assert (values["pause_tor"], values["waits_and_answers"], values["backchannel_tor"]) == (1.0, 0.0, 1.0)
    assert (values["stop_share"], values["answers_text"]) == (0.0, 0.0)
    assert "response_latency" not in values


def test_what_was_said_aloud_is_judged_by_a_recognizer(probes: ProbeSet) -> None:
    turns = [play(probe, ideal) for probe in probes.of("turn")]
    heard = iter(["It makes seven.", "It makes seven."] + ["I see what you mean"] * 2)
    turns.sort(key=lambda each: each.probe.question is None)
    values = score(turns, lambda sound: next(heard)).values
    assert values["answers_audio"] == 1.0
    assert values["text_audio_wer"] == pytest.approx((1 + 1) / (3 + 6))  # "that" against "it", and no "mhm"


def test_the_corpus_own_agent_is_the_reference(probes: ProbeSet) -> None:
    own = reference(probes.probes).values
    assert own["turn_latency"] == pytest.approx(0.65)
    assert own["backchannels_per_second"] > 0.05
    assert own["gap"] > 0


def test_every_published_row_has_its_pairs() -> None:
    names = {name for group in GROUPS.values() for name in group}
    assert {name for row in ROWS_SHOWN.values() for name in row} <= names
    for row in PUBLISHED:
        assert row.figures.keys() <= names
        assert {"pause_tor", "turn_tor", "backchannel_tor", "interruption_tor"} <= row.figures.keys()
        assert row.sources


def test_evaluation_from_end_to_end(tmp_path: Path) -> None:
    corpus, layout = probe_corpus(tmp_path / "corpus", 1), tmp_path / "fdb"
    seen: list[tuple[float, float]] = []
    report = evaluate(
        tiny_bundle(),
        corpus,
        name="tiny",
        count=2,
        layout=layout,
        listen=tmp_path / "listen",
        progress=lambda done, total: seen.append((done, total)),
    )
    found = json.loads(json.dumps(report.as_json()))
    assert {name: set(group) for name, group in found["figures"].items()} == {k: set(v) for k, v in GROUPS.items()}
    assert set(found["skipped"]) == {"answers_audio", "text_audio_wer"}
    assert found["figures"]["turn_taking"]["turn_tor"] is not None
    assert seen[-1][0] == pytest.approx(seen[-1][1], rel=0.02)
    assert len(report.table().columns) == 3 + len(PUBLISHED)
    assert report.details().row_count == sum(map(len, GROUPS.values()))
    assert len(list((tmp_path / "listen").iterdir())) == report.talks
    sample = next((layout / "pause_handling").iterdir())
    [pause] = json.loads((sample / "pause.json").read_text())
    assert pause == {"text": "[PAUSE]", "timestamp": pytest.approx([3.35, 4.4])}
    [turn] = json.loads((layout / "smooth_turn_taking" / sample.name / "turn_taking.json").read_text())
    assert turn["timestamp"][0] == pytest.approx(5.85)
    output = json.loads((sample / "output.json").read_text())
    assert output["text"] == " ".join(chunk["text"] for chunk in output["chunks"])
    assert soundfile.info(str(sample / "input.wav")).frames == soundfile.info(str(sample / "output.wav")).frames


def test_disturbed_talks_are_written_with_their_undisturbed_pair(tmp_path: Path, probes: ProbeSet) -> None:
    write_layout(tmp_path, [play(probe, ideal) for probe in probes.probes])
    sample = next((tmp_path / "user_interruption").iterdir())
    names = {path.name for path in sample.iterdir()}
    assert names == {
        f"{pre}{name}" for pre in ("", "clean_") for name in ("input.wav", "output.wav", "output.json")
    } | {
        "interrupt.json",
        "metadata.json",
        "probe.json",
    }
    [event] = json.loads((sample / "interrupt.json").read_text())
    assert event["timestamp"] == json.loads((sample / "metadata.json").read_text())["timestamps"]
    assert event["interrupt"].endswith("?")
    for task in ("user_backchannel", "talking_to_other", "background_speech"):
        assert "interrupt.json" not in {path.name for path in next((tmp_path / task).iterdir()).iterdir()}


def official(chunks: list[dict[str, Any]], after: float) -> tuple[int, float | None]:
    """Takeover and latency by the benchmark's definition, out of all that output.json holds."""
    if not chunks:
        return 0, None
    length = chunks[-1]["timestamp"][1] - chunks[0]["timestamp"][0]
    if length < 1.0 and len(chunks) <= 3:
        return 0, None
    return 1, max(chunks[0]["timestamp"][0] - after, 0.0)


def test_what_the_agent_was_made_to_say_is_no_answer(tmp_path: Path) -> None:
    seconds = 8.0
    forced = [TimedWord("before", 0.2 + 0.3 * n, 0.4 + 0.3 * n) for n in range(5)]
    answer = [TimedWord("after", 5.3 + 0.3 * n, 5.5 + 0.3 * n) for n in range(6)]
    sound = np.full(round(seconds * SAMPLE_RATE), 0.1, np.float32)
    for words, expected in ((forced, (0, None)), ([*forced, *answer], (1, pytest.approx(0.3)))):
        folder = tmp_path / str(len(words))
        fdb.write_turn(folder, fdb.Exchange(sound, sound, words, free=2.0, name="d1"), (2.5, 5.0))
        output = json.loads((folder / "output.json").read_text())
        assert official(output["chunks"], 5.0) == expected
        heard, _ = soundfile.read(folder / "output.wav")
        assert not heard[: 2 * SAMPLE_RATE].any()
        assert heard[2 * SAMPLE_RATE :].all()
    fdb.write_disturbed(
        tmp_path / "7",
        fdb.Exchange(sound, sound, [*forced, TimedWord("going", 3.0, 3.2), *answer], 2.0),
        fdb.Exchange(sound, sound, [*forced, *answer], 2.0),
        (3.5, 5.0),
        ("what", "stop"),
    )
    found = {name: json.loads((tmp_path / "7" / f"{name}output.json").read_text()) for name in ("", "clean_")}
    assert official(found[""]["chunks"], 5.0) == (1, pytest.approx(0.3))  # "going" was said before the interruption
    assert len(found["clean_"]["chunks"]) == len(answer)


def test_probes_of_one_turn_share_their_noise(probes: ProbeSet) -> None:
    """Until it is disturbed, a talk goes exactly as its undisturbed pair does."""
    pair = [probes.of("clean")[0]]
    pair += [probe for probe in probes.of("interruption") if probe.id == pair[0].id]
    clean, disturbed = hold(tiny_bundle(), [dataclasses.replace(probe, tail=2.0) for probe in pair])
    until = len(clean.talk.text) if disturbed.onset is None else int(disturbed.onset / 0.08)
    assert until > 40
    assert clean.talk.text[:until].tolist() == disturbed.talk.text[:until].tolist()


def test_misfits_are_said_in_one_line(tmp_path: Path) -> None:
    bundle = tiny_bundle()
    other = dataclasses.replace(bundle, codec=Codec(tiny_codec(1)).eval())
    with pytest.raises(ValueError, match="give the codec it was trained with"):
        converse(other, [RecordedUser(noise(2))])
    with pytest.raises(ValueError, match="nothing to judge with"):
        build_probes(Corpus(write_corpus(tmp_path / "corpus", short=True)), 1)
