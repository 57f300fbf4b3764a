"""The `[quality]` section of a recipe: which gates are shut, where their thresholds lie, how often to try again."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from corpus.strict import Strict

Gate = Literal["words", "speaker", "dnsmos", "rate", "ends"]
WITHOUT_A_FOLDER: tuple[Gate, ...] = ("speaker", "dnsmos", "rate", "ends")


class QualitySettings(Strict):
    """Gates are off by default: what is not named in `gates` is neither measured nor judged."""

    gates: tuple[Gate, ...] = ()
    best_of: int = Field(default=1, ge=1, le=16)  # passing takes to choose the best from
    seeds: int = Field(default=3, ge=1, le=32)  # takes of the whole text before anything else is tried
    split: bool = True  # then speak the text part by part
    fallback: str = ""  # then another engine, by its name
    whisper: str = ""  # folder of a faster-whisper model, for the gate `words`
    word_errors: float = Field(default=0.2, ge=0, le=1)  # largest share of wrong words
    forgiven: int = Field(default=1, ge=0)  # wrong words that pass in a text of four words or more
    letter_errors: float = Field(default=0.15, ge=0, le=1)  # or wrong letters; twice as many in a short text
    speaker_margin: float = Field(default=3.0, ge=0)  # deviations below the engine's own mean for this voice
    dnsmos: float = Field(default=2.5, ge=1, le=5)
    words_per_second: tuple[float, float] = (1.0, 6.5)

    @model_validator(mode="after")
    def _consistent(self) -> QualitySettings:
        if "words" in self.gates and not self.whisper:
            raise ValueError('quality: the gate "words" needs whisper = "FOLDER", a faster-whisper model')
        if self.words_per_second[0] > self.words_per_second[1]:
            raise ValueError("quality.words_per_second must be [lowest, highest]")
        return self

    def switched_on(self, whisper: str = "", recordings: bool = True) -> QualitySettings:
        """With gates where none were shut: all of them, but `words` where no recogniser's folder is known.

        Without `recordings` of the voices there is nothing that `speaker` could compare with: it is left out, too.
        """
        whisper = whisper or self.whisper
        gates = self.gates or tuple(gate for gate in WITHOUT_A_FOLDER if recordings or gate != "speaker")
        words: tuple[Gate, ...] = ("words",) if whisper and "words" not in gates else ()
        return self.model_copy(update={"gates": (*gates, *words), "whisper": whisper})
