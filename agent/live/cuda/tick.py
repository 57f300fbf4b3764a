"""A frame of all rows, from sound to sound: pure products and masks, nothing that the host would have to read.

    listen(...)    the codec encodes, the temporal transformer steps, every row's text is chosen
    say(...)       what is forced and what was heard are put in, the whole depth loop runs, the codec decodes

Rows that do not execute stay as they are, rows marked to be reset begin anew. The numbers are those of
`LanguageModel.step` and `Codec.encode_frame`, whose layers these are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from codec import Codec

from ...model.columns import column_out, user_words
from ...model.language_model import LanguageModel
from ...model.sampling import AUDIO_DRAW, TEXT_DRAW
from ...model.streams import UNGENERATED
from .choose import choose, noise
from .exchange import (
    AUDIO_HEAT,
    AUDIO_RANKS,
    END_PAD_BIAS,
    EXECUTING,
    FORCED,
    HEARD,
    PAD_BIAS,
    READY,
    RESET,
    SEED,
    SOUND,
    TEXT,
    TEXT_HEAT,
    TEXT_RANKS,
    TOKENS,
    USER_TEXT,
)
from .memory import HalfFrame, Memory, begin, keep


@dataclass(frozen=True)
class Talker:
    """What computes, and how wide its choices are."""

    model: LanguageModel
    codec: Codec
    text_ranks: int  # most candidates of a text token
    audio_ranks: int  # of a code


def listen(talker: Talker, memory: Memory) -> None:
    """The first half of a frame; its result is in `memory.thought`."""
    model, config, whole, real = talker.model, talker.model.config, memory.orders.whole, memory.orders.real
    reset, executing = whole[:, RESET] > 0, whole[:, EXECUTING] > 0
    begin(memory.held, memory.fresh, reset)
    keep(memory.held.model.seed, whole[:, SEED], reset)
    state, codec = memory.held.model, memory.held.codec
    latent, encoder = talker.codec.encoder(real[:, SOUND:], codec.encoder)
    keep(codec.encoder, encoder, executing)
    codes = talker.codec.quantizer.encode(latent)[:, : config.user_codebooks, 0]
    thought, after = model.think(codes, state, executing=executing, fixed=True)
    keep(state, after)
    drawn = noise(state.seed, state.tokens.frame, range(TEXT_DRAW, TEXT_DRAW + 1), talker.text_ranks)[:, 0]
    text = choose(_biased(talker, memory, thought.text_logits), real[:, TEXT_HEAT], whole[:, TEXT_RANKS], drawn)
    heard = thought.user_text_logits
    user_text = torch.zeros_like(text) if heard is None else heard.argmax(dim=-1)
    keep(memory.thought, HalfFrame(thought.hidden, text, user_text))


def say(talker: Talker, memory: Memory) -> None:
    """The second half of a frame; its result is in `memory.answers`."""
    model, config, whole = talker.model, talker.model.config, memory.orders.whole
    executing, forced = whole[:, EXECUTING] > 0, whole[:, FORCED:]
    state, codec, thought = memory.held.model, memory.held.codec, memory.thought
    text = torch.where(forced[:, 0] == UNGENERATED, thought.text, forced[:, 0])
    said = torch.cat([text[:, None], _codes(talker, memory, text)], dim=1)
    written = user_words(thought.user_text, whole[:, HEARD]) if config.user_text else None
    column, tokens = column_out(config, model.layout_here(), state.tokens, executing, said, written)
    keep(state, replace(state, tokens=tokens))
    answers = memory.answers
    answers.whole[:, READY] = column.ready
    answers.whole[:, TEXT] = text
    if written is not None:
        answers.whole[:, USER_TEXT] = written
    answers.whole[:, TOKENS:] = column.tokens
    if config.agent_codebooks:
        entries = talker.codec.quantizer.decode(column.tokens[:, 1:, None].clamp(min=0))
        wave, decoder = talker.codec.decoder(entries, talker.codec.quantizer.combine(entries), codec.decoder)
        keep(codec.decoder, decoder, column.ready)
        answers.real.copy_(wave.masked_fill(~column.ready[:, None], 0))


def _biased(talker: Talker, memory: Memory, logits: Tensor) -> Tensor:
    """Text logits `[B, ids]` with what is added to PAD and to EPAD."""
    config, real = talker.model.config, memory.orders.real
    ids = torch.arange(logits.shape[-1], device=logits.device)
    pad, end_pad = ids == config.pad, ids == config.end_pad
    return logits + (pad * real[:, PAD_BIAS, None] + end_pad * real[:, END_PAD_BIAS, None])


def _codes(talker: Talker, memory: Memory, text: Tensor) -> Tensor:
    """Codes int64 `[B, agent codebooks]`, one after another."""
    depth, count = talker.model.depth, talker.model.config.agent_codebooks
    whole, state = memory.orders.whole, memory.held.model
    if depth is None or not count:
        return text.new_empty(len(text), 0)
    drawn = noise(state.seed, state.tokens.frame, range(AUDIO_DRAW, AUDIO_DRAW + count), talker.audio_ranks)
    heat, ranks = memory.orders.real[:, AUDIO_HEAT], whole[:, AUDIO_RANKS]
    token, codes, room = text, [], depth.memory(memory.thought.hidden)
    for step in range(count):
        free = choose(depth.step(step, memory.thought.hidden, token, room), heat, ranks, drawn[:, step])
        forced = whole[:, FORCED + 1 + step]
        token = torch.where(forced == UNGENERATED, free, forced)
        codes.append(token)
    return torch.stack(codes, dim=1)
