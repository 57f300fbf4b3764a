"""Models with random weights, made where they run."""

from __future__ import annotations

import torch
from torch import nn

from agent import LanguageModel, laptop, moshi_7b, tiny
from agent.judging.frame_times import FreshBundle, Wordless
from agent.model.config import ModelConfig
from codec import Codec
from codec.config import laptop as laptop_codec
from codec.config import mimi
from codec.config import tiny as tiny_codec


def random_model(config: ModelConfig, device: str, dtype: torch.dtype) -> LanguageModel:
    """A model that is never whole on the CPU."""
    with torch.device("meta"):
        model = LanguageModel(config)
    model = model.to(dtype).to_empty(device=device).eval()
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.fill_(1.0)
            else:
                nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
    return model


def tiny_bundle(device: str) -> FreshBundle:
    """A model of fifty thousand parameters in float32."""
    torch.manual_seed(7)
    model, codec = LanguageModel(tiny()).eval(), Codec(tiny_codec(2)).eval()
    return FreshBundle(model.to(device), codec.to(device), Wordless())


def agent_bundle(device: str) -> FreshBundle:
    """The shape of the agent that ships, and its codec's."""
    torch.manual_seed(0)
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    return FreshBundle(random_model(laptop(), device, dtype), Codec(laptop_codec()).eval().to(device), Wordless())


def moshi_bundle(device: str) -> FreshBundle:
    """The shape of Moshi-7B and of Mimi."""
    torch.manual_seed(0)
    return FreshBundle(random_model(moshi_7b(), device, torch.bfloat16), Codec(mimi(8)).eval().to(device), Wordless())
