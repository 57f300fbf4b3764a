"""A worker to copy: put your engine where `Buzz` is. Run it with the Python of your engine's environment.

Its TOML file, beside it (the keys are explained in `synth/engines/declaration.py`):

    name = "buzz"
    command = ["~/.venvs/buzz/bin/python", "template.py"]
    clones = true
    native_times = true
    languages = ["en"]
    licence_code = "Apache-2.0"
    licence_weights = "CC0-1.0"

Then: synth generate --engine worker:buzz.toml ...
"""

from typing import Any

import numpy as np
from duologue_worker import serve  # type: ignore[import-not-found]

RATE = 24_000


class Buzz:
    """Loads its model here, once; knows nothing of the protocol."""

    def speak(self, request: dict[str, Any]) -> tuple[Any, list[tuple[str, float, float]]]:
        """Samples for a request, and its words' times if the engine knows them."""
        random = np.random.default_rng(request["seed"])
        words, clock = [], 0.1
        for word in request["text"].split():
            length = (0.1 + 0.05 * len(word)) / request["rate"]
            words.append((word, clock, clock + length))
            clock += length + 0.05
        samples = np.zeros(int((clock + 0.1) * RATE))
        for _, start, end in words:
            samples[int(start * RATE) : int(end * RATE)] = 0.1 * random.standard_normal(
                int(end * RATE) - int(start * RATE)
            )
        return samples, words


if __name__ == "__main__":
    licences = {"licence_code": "Apache-2.0", "licence_weights": "CC0-1.0"}
    about = {"name": "buzz", "version": "1", "sample_rate": RATE, "clones": True, "languages": ["en"], **licences}
    serve(about, lambda: Buzz().speak)
