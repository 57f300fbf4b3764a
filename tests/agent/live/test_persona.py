"""A voice and a role told beforehand: frames in PersonaPlex's order, one state for all, the same on every path."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from agent import LanguageModel
from agent.commands.serving_model import load, read_persona
from agent.commands.talk import talk
from agent.files.bundle import load_bundle, save_bundle
from agent.files.codec_identity import CodecIdentity
from agent.files.vocabulary import train_vocabulary
from agent.live.batch import Batch
from agent.live.controls import Controls
from agent.live.persona import PAUSE, SILENCE_OF_MIMI, TONE_OF_MIMI, Persona, lay, prompted
from agent.live.runtime import Runtime
from agent.model.columns import column_out
from agent.model.config import Ours
from agent.model.presets import moshi_7b, tiny
from codec import Codec
from codec.config import tiny as tiny_codec
from corpus.audio import FRAME_SAMPLES, read_mono, write_flac
from tests.support.agent_fixtures import CODEBOOKS, TinyBundle, noise, tiny_bundle

VOICE = noise(4, 5) * 0.2
WORDS = " ".join(f"w{number}" for number in range(10, 17))


class Tagged:
    """The tiny vocabulary, with ids for the tags around a role."""

    def __init__(self) -> None:
        self.plain = tiny_bundle().vocabulary

    def encode(self, text: str) -> list[int]:
        return [47 if word == "<system>" else int(word[1:]) for word in text.split()]

    def __getattr__(self, name: str) -> object:
        return getattr(self.plain, name)


def persona_bundle() -> TinyBundle:
    """PersonaPlex in small: both sides predicted, no stream beside Moshi's."""
    plain = tiny_bundle()
    torch.manual_seed(3)
    config = dataclasses.replace(plain.model.config, ours=Ours(agent_q=CODEBOOKS))
    return TinyBundle(LanguageModel(config).eval(), plain.codec, Tagged())  # type: ignore[arg-type]


def spoken(batch: Batch, slot: int, frames: int, first: int = 0) -> list[list[int]]:
    heard = noise(frames, 9).reshape(-1, FRAME_SAMPLES)[first:]
    return [batch.step({slot: frame})[slot].tokens.tolist() for frame in heard]


def test_frames_are_in_personaplex_order() -> None:
    bundle = persona_bundle()
    config = bundle.model.config
    frames = lay(bundle, Persona(WORDS, VOICE))
    pads = [config.pad] * PAUSE
    assert frames.text.tolist() == [config.pad] * 4 + pads + [47, *range(10, 17), 47] + pads + [config.pad]
    silence = bundle.codec.encode(torch.zeros(1, 1, 25 * FRAME_SAMPLES))[0, :, -1]
    assert (frames.voice[:, 4:] == silence[:2, None]).all()
    assert not torch.equal(frames.voice[:, :4], silence[:2, None].expand(-1, 4))
    assert lay(bundle, Persona(WORDS)).text.tolist() == frames.text.tolist()[4 + PAUSE :]
    assert lay(bundle, Persona(voice=VOICE)).text.tolist() == [config.pad] * (4 + PAUSE + 1)
    louder = lay(bundle, Persona(voice=4 * VOICE))
    assert torch.equal(louder.voice, frames.voice[:, : louder.voice.shape[1]])  # brought to one loudness
    with pytest.raises(ValueError, match="the prompt is empty"):
        lay(bundle, Persona(" "))


def test_a_model_of_its_shape_is_told_with_its_own_codes() -> None:
    class Shape:
        config = moshi_7b(both_sides=True)

    class Mimi:
        class config:  # noqa: N801 (as a codec has it)
            class quantizer:  # noqa: N801
                codebook_size, n_q = 2048, 8

    bundle = TinyBundle(Shape(), Mimi(), Tagged())  # type: ignore[arg-type]
    frames = lay(bundle, Persona("w10"))
    assert frames.voice.T.tolist() == [list(SILENCE_OF_MIMI)] * len(frames.text)
    assert frames.tone.tolist() == list(TONE_OF_MIMI)


def test_the_state_is_that_of_the_whole_sequence() -> None:
    """Teacher-forced on the frames, laid down by hand, the model expects the same words after them."""
    bundle = persona_bundle()
    prompt = Persona(WORDS)  # short of the context
    frames, model = lay(bundle, prompt), bundle.model
    count, config = len(frames.text), model.config
    codes = torch.cat([frames.text[None], frames.voice, frames.tone[:, None].expand(-1, count)])[None]
    heard = torch.randint(config.card, (1, config.user_codebooks), generator=torch.Generator().manual_seed(0))
    codes = torch.cat([codes, torch.full((1, codes.shape[1], 2), -1)], dim=2)[:, :, 1:]  # the first is never read
    codes[0, 1 + config.agent_codebooks :, count - 2] = heard[0]  # of the conversation
    thought, _ = model.think(heard, prompted(bundle, prompt))
    expected = model(codes).text_logits[0, 0, count - 1]
    torch.testing.assert_close(thought.text_logits[0], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("ours", [Ours(agent_q=CODEBOOKS), Ours(agent_q=CODEBOOKS, user_text_delay=2, hint=True)])
def test_many_columns_at_once_leave_what_one_after_another_leaves(ours: Ours) -> None:
    """Longer than what is read at once, and than the context."""
    plain = persona_bundle()
    torch.manual_seed(4)
    model = LanguageModel(dataclasses.replace(plain.model.config, ours=ours)).eval()
    bundle = TinyBundle(model, plain.codec, plain.vocabulary)
    prompt = Persona(" ".join([WORDS] * 12), VOICE)
    frames, config = lay(bundle, prompt), model.config
    assert len(frames.text) > 64 + 2 * 16
    rows, state = torch.cat([frames.text[None], frames.voice]), model.init_state(1, [0])
    for call in range(len(frames.text) - 1):
        late = torch.tensor([max(0, call + 1 - delay) for delay in config.delays[: len(rows)]])
        said = rows.gather(1, late[:, None])[None, :, 0]
        thought, state = model.think(frames.tone[None], state)
        pad = torch.full((1,), config.pad) if config.user_text else None
        state = dataclasses.replace(
            state, tokens=column_out(config, model.layout_here(), state.tokens, thought.executing, said, pad)[1]
        )
    mine = prompted(bundle, prompt)
    heard = torch.zeros(1, config.user_codebooks, dtype=torch.int64)
    assert torch.equal(mine.tokens.frame, state.tokens.frame)
    for _ in range(6):  # while anything of the prompt is in reach
        one, mine = model.step(heard, mine)
        other, state = model.step(heard, state)
        assert one.tokens.tolist() == other.tokens.tolist()
        torch.testing.assert_close(one.thought.text_logits, other.thought.text_logits, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("runtime", ["torch", "slots"])
def test_every_conversation_begins_with_it(runtime: Runtime) -> None:
    bundle = persona_bundle()
    told = prompted(bundle, Persona(WORDS, VOICE))
    batch = Batch(bundle, 3, runtime, prompt=told)
    plain = Batch(bundle, 3, "torch", prompt=told)
    for seed in (1, 2):
        slot, other = batch.open(Controls(seed=seed)), plain.open(Controls(seed=seed))
        said = spoken(batch, slot, 40)
        assert said == spoken(plain, other, 40)
        if seed == 1:
            first = said
            kept = batch.snapshot(slot)
            plain.close(other)
            other = plain.restore(kept, Controls(seed=seed))  # and it moves to the plain path
            assert spoken(batch, slot, 50, 40) == spoken(plain, other, 50, 40)
    assert said != first
    untold, voiced = Batch(bundle, 1, runtime), Batch(bundle, 1, runtime, prompt=prompted(bundle, Persona(WORDS)))
    assert len({str(spoken(each, each.open(Controls(seed=1)), 40)) for each in (untold, voiced)} | {str(first)}) == 3


def test_the_commands_take_both(tmp_path: Path) -> None:
    write_flac(tmp_path / "user.flac", noise(6, 1)[None] * 0.2)
    write_flac(tmp_path / "voice.flac", VOICE[None])
    vocabulary = train_vocabulary(["you are kind system"] * 9, 270)
    Codec(tiny_codec(2)).save(tmp_path / "codec.safetensors")
    codec = CodecIdentity.of(Codec.load(tmp_path / "codec.safetensors"), str(tmp_path / "codec.safetensors"))
    config = dataclasses.replace(tiny(), text_card=vocabulary.size, ours=Ours(agent_q=CODEBOOKS))
    torch.manual_seed(2)
    folder = str(save_bundle(tmp_path / "model", LanguageModel(config).eval(), vocabulary, codec))
    prompts: list[dict[str, Any]] = [{}, {"text_prompt": "You are kind."}, {"voice_prompt": tmp_path / "voice.flac"}]
    said = []
    for prompt in prompts:
        files = {"input": tmp_path / "user.flac", "output": tmp_path / "both.wav"}
        talk(model=folder, runtime="torch", threads=1, **files, **prompt)
        said.append((tmp_path / "both.wav").read_bytes())
    assert len(set(said)) == 3
    _, batch = load(folder, None, "cpu", "slots", True, 2, 1, read_persona("You are kind.", tmp_path / "voice.flac"))
    bundle = load_bundle(folder)
    told = prompted(bundle, Persona("You are kind.", read_mono(tmp_path / "voice.flac")))
    plain = Batch(bundle, 1, "torch", prompt=told)
    assert spoken(batch, batch.open(), 12) == spoken(plain, plain.open(), 12)
    with pytest.raises(ValueError, match="is a pickle, which is not opened"):
        read_persona(None, tmp_path / "NATF0.pt")
    with pytest.raises(ValueError, match="cannot be given a role"):
        lay(load_bundle("laptop"), Persona("You are kind."))
