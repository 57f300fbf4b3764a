"""How one conversation behaves: sampling, when to speak, hold, seed; may change while it goes on."""

from __future__ import annotations

from pydantic import Field

from corpus.strict import Strict

MOST_TOP_K = 2048
MOST_TEMPERATURE = 10.0
MOST_BIAS = 100.0
SEEDS = 2**53  # whole numbers that a float64 holds exactly


class Controls(Strict):
    """The controls of one session; the defaults are Moshi's. Values out of range raise ValueError."""

    text_temperature: float = Field(default=0.7, ge=0, le=MOST_TEMPERATURE)  # 0 takes the likeliest
    text_top_k: int = Field(default=25, ge=0, le=MOST_TOP_K)  # 0 takes all
    audio_temperature: float = Field(default=0.8, ge=0, le=MOST_TEMPERATURE)
    audio_top_k: int = Field(default=250, ge=0, le=MOST_TOP_K)
    pad_bias: float = Field(default=0.0, ge=-MOST_BIAS, le=MOST_BIAS)  # on PAD's logit: above 0 the agent waits longer
    end_pad_bias: float = Field(default=0.0, ge=-MOST_BIAS, le=MOST_BIAS)  # on EPAD's: above 0 it begins words sooner
    hold: bool = False  # the agent listens and stays silent
    seed: int = Field(default=0, ge=0, lt=SEEDS)  # of the sampling noise; takes effect when a session opens
