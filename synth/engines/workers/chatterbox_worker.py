"""Chatterbox (wheel `chatterbox-tts`, MIT) as a worker: clones a voice from some 10 s of it, and marks its speech.

It runs on a GPU where there is one. The speaking rate is the model's own (`rate` is not heeded); `liveliness` scales
the sampling temperature and the model's exaggeration. Its watermark (Perth) is in every clip. Weights come from the
local cache of the Hugging Face hub: the parent sets HF_HUB_OFFLINE.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from duologue_worker import Speak, serve  # type: ignore[import-not-found]

RATE = 24_000
TEMPERATURE, EXAGGERATION = 0.8, 0.5  # the model's own
SHORTEST_TEXT = 3  # characters; on less the model babbles


def load() -> Speak:
    """The model from the cache, on a GPU if there is one."""
    import torch
    from chatterbox.tts import ChatterboxTTS  # type: ignore[import-not-found]

    model = ChatterboxTTS.from_pretrained("cuda" if torch.cuda.is_available() else "cpu")
    assert model.sr == RATE, "the rate it was introduced with"
    heard: list[Any] = [None, None]  # the last reference, and the model's state after it

    def speak(request: dict[str, Any]) -> tuple[Any, None]:
        if len(request["text"].strip()) < SHORTEST_TEXT:
            raise ValueError(f"chatterbox needs {SHORTEST_TEXT} characters or more")
        exaggeration = min(EXAGGERATION * request["liveliness"], 1.0)
        reference = (request["reference"]["audio"], exaggeration)
        if heard[0] != reference:
            model.prepare_conditionals(reference[0], exaggeration=exaggeration)
            heard[:] = [reference, model.conds]
        model.conds = heard[1]
        torch.manual_seed(request["seed"])
        samples = model.generate(
            request["text"],
            exaggeration=exaggeration,
            temperature=max(TEMPERATURE * request["liveliness"], 0.05),
        )
        return samples.squeeze(0).numpy(), None

    return speak


if __name__ == "__main__":
    serve(
        {
            "name": "chatterbox",
            "version": version("chatterbox-tts"),
            "sample_rate": RATE,
            "clones": True,
            "languages": ["en"],
            "licence_code": "MIT",
            "licence_weights": "MIT",
        },
        load,
    )
