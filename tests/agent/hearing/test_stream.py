"""A model reads its user's words from a hearing: the same tokens live, offline and after a pause, however it is run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from torch import Tensor
from typer.testing import CliRunner

from agent import LanguageModel
from agent.commands.hear import hear as hear_command
from agent.commands.serving_model import load
from agent.commands.talk import talk as talk_command
from agent.files import bundle as bundles
from agent.files.bundle import load_bundle, save_bundle
from agent.files.codec_identity import CodecIdentity
from agent.files.vocabulary import train_vocabulary
from agent.hearing.opening import NOBODY, OWN
from agent.live.batch import Batch, SessionState
from agent.live.controls import Controls
from agent.live.runtime import Runtime
from agent.live.stepper import RowOrder
from agent.model.config import Ours
from agent.model.presets import tiny
from agent.model.streams import UNGENERATED
from agent.offline.converse import converse, stream_words
from agent.offline.hear import LAST_WORD, hear
from agent.offline.users import RecordedUser
from agent.training.start import deafened
from codec.layers import streaming
from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Samples, write_flac
from corpus.manifest import USER_SPEAKER
from tests.support.agent_fixtures import CODEBOOKS, TinyBundle, noise, tiny_bundle

SCRIPT = (3, 9, 10, UNGENERATED, 3, 0, 11, 12, UNGENERATED, 3, 13)
RUNTIMES = ("torch", "fused", "slots")
EVERY = pytest.mark.parametrize("runtime", RUNTIMES)


@dataclass(frozen=True)
class Place:
    """How far a script was read."""

    calls: Tensor  # int64 [1]
    loud: Tensor  # float32 [1], sum of all frames' first samples


class Scripted:
    """Hears a script whose next place depends on all the sound so far."""

    def __init__(self, script: tuple[int, ...] = SCRIPT) -> None:
        self.script = script

    def init_state(self) -> Place:
        return Place(torch.zeros(1, dtype=torch.int64), torch.zeros(1))

    def step(self, frame: Samples, state: Place) -> tuple[int, Place]:
        loud = state.loud + float(frame[0])
        place = int(state.calls) + (float(loud) > 0)
        return self.script[place % len(self.script)], Place(state.calls + 1, loud)


def scripted(sound: Samples, hearing: Scripted | None = None) -> list[int]:
    """What it hears in sound `[1920 F]`."""
    hearing = hearing or Scripted()
    state, tokens = hearing.init_state(), []
    for frame in sound.reshape(-1, FRAME_SAMPLES):
        token, state = hearing.step(frame, state)
        tokens.append(token)
    return tokens


def hearing_bundle() -> TinyBundle:
    """It knows its user by the words alone, and waits while a voice is heard."""
    bundle = tiny_bundle()
    model = deafened(bundle.model, to_user=True).eval()
    model.config = replace(model.config, ours=replace(model.config.ours, lets_finish=4.0))
    return replace(bundle, model=model, hearing=Scripted())


def batch_of(bundle: TinyBundle, runtime: Runtime, slots: int = 2) -> Batch:
    if runtime == "fused":
        pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
    return Batch(bundle, slots, runtime, int8=False)


def read(state: SessionState) -> int:
    """The token of the user's text that the model reads next."""
    ring, frame = state.model.tokens.ring, int(state.model.tokens.frame)
    return int(ring[0, 1 + 2 * CODEBOOKS, frame % ring.shape[2]])


def follows(tokens: list[int], script: list[int]) -> bool:
    """Whether tokens are the script's, but for those that it leaves to the model."""
    return all(one in (UNGENERATED, other) for one, other in zip(script, tokens, strict=True))


@EVERY
def test_what_was_heard_is_read_live_as_offline(runtime: Runtime) -> None:
    """Two talks of which one is idle now and then; the stream holds the script, and offline says the same."""
    sounds, seeds = [noise(24, seed=1), noise(20, seed=2)], [5, 6]
    users = [RecordedUser(sound) for sound in sounds]
    talks = converse(hearing_bundle(), users, seeds=seeds)
    plain = converse(tiny_bundle(), [RecordedUser(sound) for sound in sounds], seeds=seeds)
    assert all(mine.text.tolist() != theirs.text.tolist() for mine, theirs in zip(talks, plain, strict=True))
    batch = batch_of(hearing_bundle(), runtime)
    slots = [batch.open(Controls(seed=seed)) for seed in seeds]
    left = {slot: list(sound.reshape(-1, FRAME_SAMPLES)) for slot, sound in zip(slots, sounds, strict=True)}
    heard: dict[int, list[int]] = {slot: [] for slot in slots}
    said: dict[int, list[int]] = {slot: [3] for slot in slots}
    for step in range(32):
        awake = [slot for slot in slots if left[slot] and (slot == slots[0] or step % 3)]
        for slot, out in batch.step({slot: left[slot].pop(0) for slot in awake}).items():
            heard[slot].append(read(batch.snapshot(slot)))
            said[slot].append(int(out.tokens[0]) if out.ready else 3)
            assert out.user_text == tiny_bundle().vocabulary.piece(heard[slot][-1])
    for slot, sound, talk in zip(slots, sounds, talks, strict=True):
        assert follows(heard[slot], scripted(sound))
        assert talk.heard is not None
        assert talk.heard[:-1].tolist() == heard[slot][1:]  # two frames late, the first of which costs no call
        assert talk.text.tolist() == said[slot][:-1]


@EVERY
def test_a_snapshot_goes_on_hearing_where_it_was(runtime: Runtime, tmp_path: Path) -> None:
    sound, controls = noise(30, seed=4), Controls(seed=8)
    frames = sound.reshape(-1, FRAME_SAMPLES)
    stayed = batch_of(hearing_bundle(), "torch")
    slot = stayed.open(controls)
    expected = [stayed.step({slot: frame})[slot].tokens for frame in frames]
    batch = batch_of(hearing_bundle(), runtime)
    slot, said, heard = batch.open(controls), [], []
    for place, frame in enumerate(frames):
        if place in (0, 13):
            streaming.save(batch.snapshot(slot), tmp_path / "talk.safetensors")
            state = streaming.load(tmp_path / "talk.safetensors", batch.snapshot(slot))
            batch.close(slot)
            batch = batch_of(hearing_bundle(), runtime)
            slot = batch.restore(state, controls)
        said.append(batch.step({slot: frame})[slot].tokens)
        heard.append(read(batch.snapshot(slot)))
    np.testing.assert_array_equal(np.array(said), np.array(expected))
    assert follows(heard, scripted(sound))


@EVERY
def test_a_talk_takes_up_a_hearing_or_puts_it_down(runtime: Runtime) -> None:
    """States of a model without one, prompts among them, begin to hear; those of one with it go on without."""
    sound = noise(12, seed=3)
    first, *frames = sound.reshape(-1, FRAME_SAMPLES)
    alone, helped = batch_of(tiny_bundle(), runtime), batch_of(hearing_bundle(), runtime)
    slot = alone.open()
    alone.step({slot: first})
    assert alone.snapshot(slot).hearing is None
    told = Batch(hearing_bundle(), 1, runtime, int8=False, prompt=tiny_bundle().model.init_state(1, [0]))
    for batch, mine in ((helped, helped.restore(alone.snapshot(slot))), (told, told.open())):
        heard = []
        for frame in frames:
            batch.step({mine: frame})
            heard.append(read(batch.snapshot(mine)))
        assert follows(heard, scripted(np.concatenate(frames)))
    mine = alone.restore(helped.snapshot(0))
    alone.step({mine: first})
    assert alone.snapshot(mine).hearing is None


@EVERY
def test_an_order_may_say_what_was_heard(runtime: Runtime) -> None:
    """With a hearing or without, on hold too; it counts into the time of encoding."""
    frame = noise(1)
    for bundle in (tiny_bundle(), hearing_bundle()):
        batch = batch_of(bundle, runtime)
        slot, other = batch.open(Controls(hold=True)), batch.open()
        outs = batch.step(dict.fromkeys((slot, other), frame), {other: RowOrder(heard=17)})
        assert read(batch.snapshot(other)) == 17
        assert outs[other].user_text == " w17"
        assert outs[slot].ms.encode > 0
        if bundle.hearing is not None:
            assert follows([read(batch.snapshot(slot))], scripted(frame))


@EVERY
def test_a_model_without_the_users_text_refuses(runtime: Runtime) -> None:
    config = replace(tiny(CODEBOOKS), ours=replace(tiny(CODEBOOKS).ours, user_text_delay=None))
    bundle = replace(tiny_bundle(), model=LanguageModel(config).eval())
    batch = batch_of(bundle, runtime)
    slot = batch.open()
    with pytest.raises(ValueError, match="does not read its user's words"):
        batch.step({slot: noise(1)}, {slot: RowOrder(heard=17)})
    with pytest.raises(ValueError, match="does not read its user's words"):
        converse(replace(bundle, hearing=Scripted()), [RecordedUser(noise(3))])
    assert batch.step({slot: noise(1)})[slot].user_text == ""


def test_the_words_written_down_are_those_heard() -> None:
    sound, late, hearing = noise(20, seed=8), 2 * FRAME_SECONDS, Scripted((3, 9, 3, 10, 11, 3, 3, 12, 13, 3))
    bundle = replace(tiny_bundle(), hearing=hearing)
    whole = np.pad(sound, (0, round((late + LAST_WORD) * SAMPLE_RATE)))
    tokens = scripted(np.pad(whole, (0, -len(whole) % FRAME_SAMPLES)), hearing)
    expected = stream_words(np.array(tokens), bundle.vocabulary, FRAME_SECONDS - late, USER_SPEAKER)
    assert len(expected) > 10
    assert hear(bundle, sound) == [word for word in expected if word.start >= 0]


# --- by name --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that names the hearing it learnt with."""
    vocabulary = train_vocabulary(["one two three four five"] * 9, 300)
    place = tmp_path_factory.mktemp("named")
    config = dataclasses.replace(
        tiny(CODEBOOKS), text_card=vocabulary.pieces.size, ours=replace(tiny(CODEBOOKS).ours, hearing="scripted")
    )
    file = tiny_bundle().codec.save(place / "codec.safetensors")
    identity = CodecIdentity.of(tiny_bundle().codec, str(file))
    return save_bundle(place / "model", LanguageModel(config).eval(), vocabulary, identity)


def test_a_folder_names_its_hearing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    monkeypatch.setattr(bundles, "open_hearing", lambda name, words, marks: opened.append((name, words.pad, marks)))
    assert load_bundle(folder).model.config.ours.hearing == "scripted"
    load_bundle(folder, hearing="another")
    assert opened == [("scripted", 3, True), ("another", 3, True)]
    assert load_bundle(folder, hearing=OWN).hearing is load_bundle(folder, hearing=NOBODY).hearing is None
    assert len(opened) == 2
    with pytest.raises(ValueError, match="set user_text_delay"):
        Ours(hearing="scripted")


def test_the_commands_take_another(folder: Path, tmp_path: Path) -> None:
    sound = tmp_path / "sound.flac"
    write_flac(sound, noise(6)[None])
    app = typer.Typer()
    for name, command in (("hear", hear_command), ("talk", talk_command)):
        app.command(name)(command)
    common = ["--model", str(folder), "--runtime", "torch", "--hearing"]
    files = ["--input", str(sound), "--output", str(tmp_path / "both.wav")]
    ways: list[Callable[[str], object]] = [
        lambda name: CliRunner().invoke(app, ["hear", str(sound), *common, name], catch_exceptions=False),
        lambda name: CliRunner().invoke(app, ["talk", *files, *common, name], catch_exceptions=False),
        lambda name: load(str(folder), None, "cpu", "torch", False, 1, 1, hearing=name),
    ]
    for way in ways:
        way(OWN)
        with pytest.raises(ValueError, match="nobody is no recognizer"):
            way("nobody")
