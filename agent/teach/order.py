"""What a user of `agent teach` asked for, checked before anything is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synth.script.finished import FinishedDialogue
from synth.script.practice import examination, practice
from synth.script.syllabus import Syllabus, load_syllabus

from ..files.bundle import codec_of
from ..files.checkpoints import read_config
from ..files.shipped import find_bundle
from .recipe import TeachingRecipe, read_teaching


@dataclass(frozen=True)
class Exam:
    """One way of asking: in taught or new wordings, by voices that were heard in practice or not."""

    name: str
    title: str
    new_wordings: bool
    new_voices: bool


EXAMS = (
    Exam("voices", "voices held out", False, True),
    Exam("wordings", "new wordings", True, False),
    Exam("both", "new wordings by voices held out", True, True),
)
KNOWN = Exam("known", "what it knew before, by voices held out", False, True)
BEFORE = Exam("before", "the same asked of the model before", False, True)


@dataclass(frozen=True)
class TeachOrder:
    """Whom to teach what."""

    source: Path  # the syllabus' file
    out: Path
    syllabus: Syllabus
    recipe: TeachingRecipe
    base: str = "laptop"
    workers: int = 1
    threads: int = 0  # of the CPU in training; 0 is torch's choice

    @classmethod
    def of(
        cls,
        source: Path,
        out: Path | None = None,
        *,
        recipe: Path | None = None,
        base: str = "laptop",
        minutes: float | None = None,
        steps: int | None = None,
        workers: int = 1,
        threads: int = 0,
    ) -> TeachOrder:
        """Check an order as typed. Raises ValueError that names file and place."""
        if workers < 1 or threads < 0:
            raise ValueError("--workers and --threads must be 0 (as many as there are cores) or more")
        syllabus = load_syllabus(source)
        if codec_of(find_bundle(base)) is None:
            raise ValueError(f"{base} is none of ours, and its codec is not known: fine-tune it with `agent finetune`")
        chosen = read_teaching(recipe, minutes, steps)
        if chosen.knows_english and syllabus.language != "en":
            raise ValueError(
                f"{source}: the shipped model knows English only, not {syllabus.language!r}: give --base, and --recipe "
                "with rehearsal = 0, known = 0 under [reading] and voices of that language"
            )
        if chosen.training.unspoken and not read_config(find_bundle(base))[0].user_text:
            raise ValueError(f"{base} writes down no user's words and cannot read: give --recipe with unspoken = 0")
        return cls(source, out or Path("runs") / source.stem, syllabus, chosen, base, workers, threads)

    def practice(self) -> list[FinishedDialogue]:
        """What is practised."""
        return practice(self.syllabus, 60 * self.recipe.minutes, self.recipe.seed)

    def exams(self) -> list[tuple[Exam, list[FinishedDialogue]]]:
        """What is asked in each examination; those with nothing to ask are left out."""
        asked = [(exam, examination(self.syllabus, exam.new_wordings, self.recipe.seed)) for exam in EXAMS]
        return [(exam, dialogues) for exam, dialogues in asked if dialogues]
