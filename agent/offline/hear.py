"""Writing down what is heard: the user's words of a model that follows them, or the text of one that only listens.

Our own models have a stream of the user's words beside the agent's, who is kept silent; the words are the model's own
or, where it has a hearing, that one's. Kyutai's STT models have no voice, and their one text stream is the transcript,
some time after the sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Samples
from corpus.interleave import TimedWord
from corpus.manifest import USER_SPEAKER

from ..files.checkpoints import read_config
from ..files.talking_model import TalkingModel, to_codec
from ..hearing.stream import fresh, listen
from ..live.runtime import Runtime, make_stepper
from ..live.stepper import RowOrder
from ..model.sampling import GREEDY
from .converse import stream_words

LAST_WORD = 1.0  # s of silence after a recording, for words that come late
SILENCE = 25  # frames of silence encoded to learn the codes of silence: 2 s


@dataclass(frozen=True)
class Lateness:
    """How the text of a model that only listens lies to the sound (`stt_config` in Kyutai's config.json)."""

    delay: float = 0.0  # s from the sound to its text
    prefix: float = 0.0  # s of silence to hear first


def lateness_of(folder: Path) -> Lateness:
    """What a model folder's config.json says of it, nothing if it says nothing. Unreadable files raise ValueError."""
    said = read_config(folder)[1].get("stt_config") or {}
    return Lateness(float(said.get("audio_delay_seconds", 0.0)), float(said.get("audio_silence_prefix_seconds", 0.0)))


def hear(
    bundle: TalkingModel, audio: Samples, lateness: Lateness | None = None, runtime: Runtime = "torch"
) -> list[TimedWord]:
    """The words of a recording, with times; they are the user's.

    Args:
        bundle: model, codec, vocabulary.
        audio: float32 `[T]` at 24 kHz.
        lateness: needed for a model that only listens.
        runtime: "fast" is several times as fast on a CPU, in 8 bits; "torch" takes the model as it is.

    Raises:
        ValueError: a model that neither follows its user nor only listens.
    """
    config, late = bundle.model.config, lateness or Lateness()
    if config.ours.user_text_delay is None and config.dep_q:
        raise ValueError("this model writes nothing down: it has no stream of the user's words (user_text_delay)")
    behind = config.ours.user_text_delay * FRAME_SECONDS if config.ours.user_text_delay is not None else late.delay
    before, after = (round(seconds * SAMPLE_RATE) for seconds in (late.prefix, behind + LAST_WORD))
    tokens = _transcript(bundle, np.pad(audio, (before, after)), runtime)
    # the text sampled at call s is about the frame that was heard one call later, less the delay
    words = stream_words(tokens, bundle.vocabulary, FRAME_SECONDS - behind - late.prefix, USER_SPEAKER)
    return [word._replace(start=max(word.start, 0.0)) for word in words if word.end > 0]


@torch.inference_mode()
def _transcript(bundle: TalkingModel, audio: Samples, runtime: Runtime) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The transcript's token at every frame of audio float32 `[T]`."""
    config = bundle.model.config
    quick = runtime if config.depth is not None else "torch"
    stepper, codec = make_stepper(bundle.model, bundle.codec, quick, int8=True, cache=None, threads=1)
    forced = None
    if config.dep_q:
        silence = to_codec(bundle, np.zeros(SILENCE * FRAME_SAMPLES, np.float32))
        quiet = codec.encode(silence)[0, : config.agent_codebooks, -1].cpu()
        forced = torch.cat([torch.tensor([config.pad]), quiet])
    order, tokens = RowOrder(GREEDY, forced=forced), []
    states, ear = [stepper.init_state(0)], fresh(bundle.hearing)
    sounds = np.pad(audio, (0, -len(audio) % FRAME_SAMPLES)).reshape(-1, FRAME_SAMPLES)
    columns = codec.encode(to_codec(bundle, audio))[:, : config.user_codebooks].unbind(2)
    for column, sound in zip(columns, sounds, strict=True):
        token, ear = listen(bundle.hearing, sound, ear)
        (frame,), states = stepper.step(column, states, [order.with_heard(token, config)])
        tokens.append(frame.text if frame.user_text is None else frame.user_text)
    return np.array(tokens, dtype=np.int64)
