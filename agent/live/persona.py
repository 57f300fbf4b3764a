"""Who the agent is to be, told before the conversation begins: a voice to speak with, and a role in words.

PersonaPlex's order (arXiv 2602.06053 and its `LMGen`), frame after frame, while a tone is heard from the user:

    agent's voice   the sample      silence     silence, as long as the text     silence
    agent's text    PAD             PAD         <system> ... <system>            PAD
                    its length      0.5 s       one token a frame                0.5 s

All of it is given, so nothing is drawn and one state serves every conversation, whatever its seed. The very first frame
is never read, as in any conversation; the last silence is a frame longer, for the same reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE, Samples, gain_to

from ..files.talking_model import TalkingModel, check_voice, to_codec
from ..model import streams
from ..model.config import ModelConfig
from ..model.language_model import ModelState
from ..model.presets import moshi_7b
from ..model.streams import UNGENERATED, ZERO, TokenState
from ..model.temporal import SLACK

PAUSE = 6  # frames of silence after the voice and after the text: PersonaPlex's int(0.5 s * 12.5)
LOUDNESS = -24.0  # LUFS that a voice sample is brought to
TONE_HZ, TONE_PEAK = 440.0, 0.5  # heard from the user meanwhile
STEADY = 25  # frames of silence or of the tone encoded to learn its codes
SYSTEM = "<system>"  # before and after the text
SILENCE_OF_MIMI = (948, 243, 1178, 546, 1736, 1030, 1978, 2008)  # what PersonaPlex was trained with
TONE_OF_MIMI = (430, 1268, 381, 1611, 1095, 1495, 56, 472)


@dataclass(frozen=True)
class Persona:
    """What the agent is told; either may be left out."""

    text: str = ""  # a role, as running text
    voice: Samples | None = None  # float32 [T] at 24 kHz, mono


@dataclass(frozen=True)
class PersonaFrames:
    """A prompt of F frames, undelayed."""

    text: Tensor  # int64 [F]
    voice: Tensor  # int64 [agent codebooks, F]
    tone: Tensor  # int64 [user codebooks], heard in every frame


def lay(bundle: TalkingModel, prompt: Persona) -> PersonaFrames:
    """The frames of a prompt. Raises ValueError for an empty one, or a model that it can say nothing to."""
    check_voice(bundle)
    config = bundle.model.config
    if not config.user_codebooks or not config.ours.hears_itself:
        raise ValueError("this model cannot be given a role: it must hear the user and itself")
    if not prompt.text.strip() and prompt.voice is None:
        raise ValueError("the prompt is empty: give words, or the recording of a voice")
    silence, tone = _steady(bundle)
    voice = torch.empty(config.agent_codebooks, 0, dtype=torch.int64)
    if prompt.voice is not None:
        voice = _encoded(bundle, prompt.voice)
    words = bundle.vocabulary.encode(f"{SYSTEM} {prompt.text.strip()} {SYSTEM}") if prompt.text.strip() else []
    pads = [config.pad] * PAUSE
    after = [*(pads if voice.shape[1] else []), *words, *(pads if words else []), config.pad]
    text = torch.tensor([config.pad] * voice.shape[1] + after)
    return PersonaFrames(text, torch.cat([voice, silence[:, None].expand(-1, len(after))], dim=1), tone)


@torch.inference_mode()
def prompted(bundle: TalkingModel, prompt: Persona) -> ModelState:
    """The state of the plain model once it was told, batch 1 and without a seed of its own.

    All columns are known, so the temporal transformer reads many at once. Raises ValueError like `lay`.
    """
    frames, model = lay(bundle, prompt), bundle.model
    state, calls = model.init_state(1, [0]), len(frames.text) - 1
    sequence = _sequence(frames, model.config).to(model.device)
    temporal = state.temporal
    for first in range(0, calls, SLACK):
        columns = sequence[:, :, first : min(first + SLACK, calls)]
        _, temporal = model.temporal.step(model.embed(columns, state.total), temporal)
    return replace(state, temporal=temporal, tokens=_tokens(sequence, calls, model.config))


def begun(prompt: ModelState, seed: int) -> ModelState:
    """The state of a conversation that begins with a prompt."""
    return replace(prompt, seed=torch.full_like(prompt.seed, seed))


def _sequence(frames: PersonaFrames, config: ModelConfig) -> Tensor:
    """Columns `[1, K, F + longest delay]`, as `streams.delay` lays them; what is said is open at the end."""
    longest = max(config.delays)
    said = torch.cat([frames.text[None], frames.voice])[:, 1:]  # the first frame is never read
    said = torch.nn.functional.pad(said, (0, longest), value=UNGENERATED)
    rows = [said, frames.tone[:, None].expand(-1, said.shape[1])]
    beside = [config.pad] * config.user_text + [ZERO] * config.ours.hint
    rows += [torch.full((1, said.shape[1]), token) for token in beside]
    return streams.delay(torch.cat(rows)[None], config)


def _tokens(sequence: Tensor, calls: int, config: ModelConfig) -> TokenState:
    """The tokens of the last positions, as so many calls leave them."""
    state, longest = streams.init_tokens(config, 1, sequence.device), max(config.delays)
    size, heard = state.ring.shape[2], slice(1 + config.agent_codebooks, 1 + config.n_q)
    for position in range(max(0, calls - size + 1), calls + 1):
        state.ring[:, :, position % size] = sequence[:, :, position]
    for position in range(calls, calls + longest):  # heard already, for calls to come
        state.ring[:, heard, position % size] = sequence[:, heard, position]
    return replace(state, frame=torch.full_like(state.frame, calls))


def _steady(bundle: TalkingModel) -> tuple[Tensor, Tensor]:
    """Codes of the agent's lasting silence `[agent codebooks]`, and of the user's tone `[user codebooks]`."""
    config = bundle.model.config
    if config == moshi_7b(both_sides=True):
        return torch.tensor(SILENCE_OF_MIMI), torch.tensor(TONE_OF_MIMI)
    times = np.arange(STEADY * FRAME_SAMPLES) / SAMPLE_RATE
    tone = (TONE_PEAK * np.sin(2 * np.pi * TONE_HZ * times)).astype(np.float32)
    codes = bundle.codec.encode(to_codec(bundle, np.stack([np.zeros_like(tone), tone])))[:, :, -1].cpu()
    return codes[0, : config.agent_codebooks], codes[1, : config.user_codebooks]


def _encoded(bundle: TalkingModel, voice: Samples) -> Tensor:
    """A sample as codes int64 `[agent codebooks, F]`, its end filled up with silence."""
    if not len(voice):
        raise ValueError("the recording of the voice is empty")
    level = (voice * gain_to(voice, LOUDNESS)).astype(np.float32)
    whole = np.pad(level, (0, -len(level) % FRAME_SAMPLES))
    codes: Tensor = bundle.codec.encode(to_codec(bundle, whole))[0]
    return codes[: bundle.model.config.agent_codebooks].cpu()
