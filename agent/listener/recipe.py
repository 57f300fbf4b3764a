"""The recipe of a listener: a strict TOML file with every number that its training sound and its run depend on."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from corpus.strict import Strict, load_toml

from .recordings import Border

Span = tuple[float, float]


class TurnRecipe(Strict):
    """How a clip becomes a turn; chances in [0, 1]."""

    longer_gaps: float = 0.55  # of a gap of its own to be made longer
    gap_weight: dict[Border, float] = Field(default={"sentence": 0.18, "clause": 1.0, "phrase": 1.0})  # in the loss
    cuts: float = 0.38  # of one or two pauses put in at borders of words
    cut_weight: float = 0.6
    drawn_out: float = 0.6  # of the last sounds before such a pause
    fillers: float = 0.35  # of a filler in such a pause
    divided: tuple[str, ...] = ("librispeech", "ljspeech")  # sources of which single sentences are turns, too
    end_weight: dict[str, float] = Field(
        default={"librispeech": 0.18, "keywords": 0.4, "mycroft": 0.4}
    )  # of a clip's end


class SceneRecipe(Strict):
    """What lies around turns in a scene of some seconds; chances in [0, 1], spans in dB or as said."""

    seconds: int = Field(default=20, ge=4)
    nobody: float = 0.09  # scenes without a user
    faster: float = 0.35
    speed: Span = (0.87, 1.15)
    hums: float = 0.12  # after a turn
    rooms: float = 0.3
    simulated: float = 0.7  # of the rooms
    noise: float = 0.5
    noise_snr: Span = (3.0, 30.0)
    others: float = 0.15  # other people talk in the background
    others_snr: Span = (15.0, 27.0)
    telephone: float = 0.3
    dulled: float = 0.12
    usual_gain: Span = (-14.0, 6.0)  # around -20 dB of full scale
    any_gain: Span = (-28.0, 20.0)


class TrainingRecipe(Strict):
    """The run."""

    batch: int = Field(default=16, ge=1)  # scenes
    learning_rate: float = 2e-3
    warmup: int = 60  # steps
    steps: int = Field(default=1200, ge=1)
    weight_decay: float = 0.03
    average: float = 0.995  # decay of the averaged weights, which are kept
    carried: float = 0.5  # chance that a scene follows another one of the batch before: talks are longer than scenes
    speech_weight: float = 0.5
    soon_weight: float = 0.3
    backchannel_weight: float = 0.2
    future_weight: float = 0.5
    teacher_weight: float = 0.5  # Whisper's frames of the clean clip, where they are at hand
    teacher_lag: int = Field(default=2, ge=0)  # frames by which the listener may be late in foretelling them
    tilt: float = 0.7  # natural logarithm, random tilt of the bands
    masked: float = 0.3  # chance that a few bands are blank


class ListenerRecipe(Strict):
    """The whole file. An empty file is a recipe."""

    seed: int = 7
    sources: dict[str, float] = Field(
        default={  # share of scenes by source; within one, speakers are equally likely
            "sentences": 0.34,
            "librispeech": 0.36,
            "kerstin": 0.13,
            "asterisk": 0.08,
            "ljspeech": 0.03,
            "mycroft": 0.03,
            "keywords": 0.03,
        }
    )
    judged_noise: str = "coffee-shop"  # recordings of noise and responses with these words in their names only judge
    judged_room: str = "DomesticLivingRoom"
    turns: TurnRecipe = TurnRecipe()
    scenes: SceneRecipe = SceneRecipe()
    training: TrainingRecipe = TrainingRecipe()


def read_recipe(path: str | Path) -> ListenerRecipe:
    """Read a recipe. A missing file, an unknown key or a bad value: ValueError with one line that names it."""
    return load_toml(path, ListenerRecipe, "recipe")
