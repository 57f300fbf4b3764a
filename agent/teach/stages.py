"""The stages of teaching, each the ordinary work of another wing on ordinary files in the agent's folder.

corpus/, rehearsal/ `synth generate --writer scripts:corpus.jsonl`; the talk that the base was made from
reading/            `synth plan --timed`, of both
tokens/, ...        `agent tokenize corpus`
training/           `agent finetune --full`; what comes of it lies in the agent's folder itself
exam-voices/, ...   `synth generate` again, with other wordings and voices
exam/               the talks and what came of them
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from codec.device import pick_device
from codec.training.run_state import CHECKPOINT, StoppedError
from corpus.durable import replace_text, sha256_of
from synth.recipe import CorpusRecipe, parse_recipe
from synth.running.generate import CorpusOrder, generate
from synth.script.finished import FinishedDialogue
from synth.script.language import load_language
from synth.script.practice import about_seconds

from ..files.bundle import codec_of
from ..files.shipped import find_bundle
from ..files.vocabulary import Vocabulary
from ..tokens.shards import read_manifest
from ..tokens.tokenize import TokenOrder, tokenize
from ..training.finetune import adapters_origin, base_model
from ..training.products import write_bundle
from ..training.progress import AgentProgress, Seen, StepReport
from ..training.recipe import AgentRecipe
from ..training.run import RunData, TrainingOrder
from ..training.run import train as run
from ..training.start import keys_of
from .order import Exam, TeachOrder
from .state import digest_of

Advance = Callable[[float, float], None]  # told what is done and how much there is in all
CORPUS, READING, TOKENS, TRAINING, EXAM = "corpus", "reading", "tokens", "training", "exam"
SLACK = 4.0  # times as long as expected a corpus may become; its dialogues are counted, not its hours
AGENT_FILE = "config.json"  # of the agent's folder, written last

QUIET = {"gain": 0.0, "noise": 0.0, "echo": 0.0, "room": 0.0}
ROOMS = {"gain": 0.3, "gain_db": [-12.0, 6.0], "noise": 0.15, "noise_db": [-30.0, -10.0], "echo": 0.1, "room": 0.1}


@dataclass(frozen=True)
class TeachStage:
    """Work that makes one folder."""

    name: str  # of the folder
    title: str
    share: float  # of all the work, about
    digest: str  # of all that decides the outcome
    work: Callable[[Path, Advance], None]


def spoken(
    order: TeachOrder, name: str, title: str, share: float, dialogues: Sequence[FinishedDialogue], exam: Exam | None
) -> TeachStage:
    """Speak finished dialogues: to practise with, or for an examination. Their script is written beside the corpus."""
    script = script_of(dialogues)
    path = order.out / f"{name}.jsonl"
    replace_text(path, script)
    recipe = corpus_recipe(order, name, path, exam)
    language = load_language(order.syllabus.language)
    hours = SLACK * sum(about_seconds(each, language) for each in dialogues) / 3600

    def work(folder: Path, advance: Advance) -> None:
        asked = CorpusOrder(folder, hours, recipe, order.recipe.seed, order.workers, dialogues=len(dialogues))
        generate(asked, silent=True, heed=lambda done: advance(done, len(dialogues)))

    return TeachStage(name, title, share, digest_of(script, recipe.model_dump_json(), order.recipe.seed), work)


def script_of(dialogues: Sequence[FinishedDialogue]) -> str:
    """Finished dialogues as lines of a file."""
    return "".join(f"{each.model_dump_json(exclude_defaults=True)}\n" for each in dialogues)


def corpus_recipe(order: TeachOrder, name: str, script: Path, exam: Exam | None) -> CorpusRecipe:
    """How dialogues are spoken; in an examination in a quiet room, so that hearing in noise is not what is judged."""
    return parse_recipe(
        {
            "name": name,
            "language": order.syllabus.language,
            "engine": order.recipe.voices.speaker,
            "timing": "assistant",
            "behaviours": {"backchannels": 0.5 if exam is None else 0.0},
            "voices": voices_of(order, exam is not None and exam.new_voices),
            "acoustics": ROOMS if exam is None else QUIET,
            "writer": {"use": f"scripts:{script}"},
        }
    )


def voices_of(order: TeachOrder, held_out: bool) -> dict[str, object]:
    """A recipe's table of voices: the agent's, steady, and the users'. Those taught always speak as in practice."""
    voices = order.recipe.voices
    return {
        "agent": [voices.agent],
        "user": list(voices.held_out if held_out else voices.taught),
        "steady": True,
        "blend": voices.blend and not held_out,
    }


def tokenized(order: TeachOrder, corpus: TeachStage, name: str, share: float) -> TeachStage:
    """Turn a corpus into tokens of the base's codec and vocabulary."""
    place = find_bundle(order.base)
    identity = codec_of(place)
    assert identity is not None, "the order was checked"
    augment = order.recipe.augment

    def work(folder: Path, advance: Advance) -> None:
        made = order.out / corpus.name
        seed, workers = order.recipe.seed, order.workers
        tokenize(TokenOrder.of_model(place, made, folder, augment=augment, seed=seed, workers=workers), advance)

    digest = digest_of(corpus.digest, identity.sha256, Vocabulary.load(place).digest, augment, order.recipe.seed)
    return TeachStage(name, f"listening to {corpus.name}", share, digest, work)


def learnt(
    order: TeachOrder, tokens: Sequence[TeachStage], reading: Sequence[TeachStage], unspoken: Sequence[Path]
) -> TeachStage:
    """Fine-tune the base as a whole; what comes of it is written into the agent's folder.

    Args:
        order: checked.
        tokens: what is heard.
        reading: the stage that writes the files `unspoken`, if any.
        unspoken: what is read.
    """
    place, recipe = find_bundle(order.base), order.recipe.training
    files = sorted(path for path in place.iterdir() if path.suffix in (".json", ".safetensors", ".model"))
    base = [f"{path.name} {sha256_of(path)}" for path in files if path.name != CHECKPOINT]

    def work(folder: Path, advance: Advance) -> None:
        data = [order.out / each.name for each in tokens]
        device = pick_device("auto")
        resume = (folder / CHECKPOINT).exists()
        asked = TrainingOrder(data, folder, recipe, unspoken=unspoken, threads=order.threads, resume=resume)
        model = base_model(order.base, recipe, read_manifest(data[0]), data[0], device, None, False, False)
        opened = RunData.open(asked, model.config)
        export = partial(write_bundle, opened.every, keys_of(str(place)))
        progress = LearningProgress(folder, recipe, advance)
        try:
            trainer = run(asked, model, opened, device, export, _unsaid, adapters_origin(model, None), progress)
        except StoppedError as stopped:
            raise StoppedError(str(stopped).replace(" with --resume", "")) from None
        export(trainer.whole_model(), order.out)

    made_of = [each.digest for each in (*tokens, *reading)]
    return TeachStage(TRAINING, "learning", 0.6, digest_of(*made_of, recipe.model_dump_json(), *base), work)


def _unsaid(line: str) -> None:
    """Lines of a run would break the one line of progress; its curves lie in its folder."""


class LearningProgress(AgentProgress):
    """Tells how many steps are taken, and writes the curves."""

    def __init__(self, folder: Path, recipe: AgentRecipe, advance: Advance) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, recipe, _unsaid)
        self._advance = advance

    def record(self, step: int, report: StepReport, seen: Seen, rate: float) -> None:
        """See `AgentProgress`."""
        super().record(step, report, seen, rate)
        self._advance(step, self.recipe.steps)
