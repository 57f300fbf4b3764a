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
from ..model.columns import column_out
from ..model.config import ModelConfig
from ..model.language_model import ModelState
from ..model.presets import moshi_7b

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

    Raises ValueError like `lay`.
    """
    frames, model = lay(bundle, prompt), bundle.model
    config, state = model.config, model.init_state(1, [0])
    tone = frames.tone[None].to(model.device)
    executing = torch.ones(1, dtype=torch.bool, device=model.device)
    pad = torch.full((1,), config.pad, device=model.device) if config.user_text else None
    for call in range(len(frames.text) - 1):
        thought, state = model.think(tone, state, executing=executing)
        said = _said(frames, call, config)[None].to(model.device)
        _, tokens = column_out(config, model.layout_here(), state.tokens, thought.executing, said, pad)
        state = replace(state, tokens=tokens)
    return state


def begun(prompt: ModelState, seed: int) -> ModelState:
    """The state of a conversation that begins with a prompt."""
    return replace(prompt, seed=torch.full_like(prompt.seed, seed))


def _said(frames: PersonaFrames, call: int, config: ModelConfig) -> Tensor:
    """What is written down at a call, int64 `[1 + agent codebooks]`: streams as late as their delays."""
    rows = torch.cat([frames.text[None], frames.voice])
    late = call + 1 - torch.tensor(config.delays[: len(rows)])
    return rows.gather(1, late.clamp(min=0)[:, None])[:, 0]  # before the first frame initial tokens are read


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
