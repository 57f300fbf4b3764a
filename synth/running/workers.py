"""Worker processes that render dialogues: each loads its studio once and puts what it made on disk itself."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from corpus.staging import load_staged
from corpus.store import stage
from corpus.worker_process import follow_parent

from ..alignment.aligners import load_aligner
from ..engines import Engine, ReferenceVoice
from ..engines.paired import PairedEngine
from ..plan import Planner, dialogue_id
from ..recipe import CorpusRecipe
from ..script.line import Line
from ..script.models.usable import UnusableError
from ..script.writers import load_writer
from ..speaking.acoustics import load_noise_bank
from ..speaking.aligned import AlignedEngine
from ..speaking.quality.load import check_control, load_control
from ..speaking.studio import RejectedError, Studio
from ..speaking.watermark import Watermark
from ..voices.casting import engine_voices, load_engine
from ..voices.matched import matched_voices
from ..voices.recorded import load_people
from .write_ahead import WriteAhead

MAX_RESTARTS = 5  # of the pool, in a row without one finished dialogue


@dataclass(frozen=True)
class CorpusJob:
    """Everything a worker needs to make any dialogue of a corpus."""

    out: Path
    recipe: CorpusRecipe
    seed: int
    hours: float = 0.0  # see `Planner`

    def planner(self) -> Planner:
        """Plans the dialogues of this job. Raises ValueError when a voice or folder of the recipe cannot be used."""
        recipe = self.recipe
        recipe.take_language()
        folders = [Path(folder) for folder in recipe.voices.folders]
        if recipe.voices.cast:
            voices = matched_voices(recipe.engine, folders, recipe.language, recipe.voices.side)
        else:
            voices = engine_voices(recipe.engine, folders, recipe.language, recipe.voices.side)
        if recipe.voices.user_engine:
            voices = _both_sides(recipe, voices)
        writer = load_writer(recipe.writer.use, recipe.writer.manner())
        people = load_people(recipe.users, recipe.language) if recipe.users.recordings else None
        return Planner(self.recipe, self.seed, voices, load_noise_bank(), writer, people, self.hours)

    def check(self) -> str:
        """The versions of all that speaks, which decide a corpus's sound. Raises ValueError for what cannot be had."""
        recipe = self.recipe
        versions = [_engine(recipe).version]
        fallback = check_control(recipe.quality, recipe.language)
        if fallback is not None:
            versions.append(fallback.version)
        if recipe.aligner:
            versions.append(load_aligner(recipe.aligner, recipe.language).version)
        if recipe.watermark.weights:
            versions.append(Watermark(recipe.watermark.weights, recipe.watermark.message).version)
        return ", ".join(versions)

    def studio(self, planner: Planner) -> Studio:
        """Renders the dialogues of this job. Raises ValueError when the engine cannot be had."""
        recipe = self.recipe
        engine = _engine(recipe)
        if recipe.aligner:
            engine = AlignedEngine(engine, load_aligner(recipe.aligner, recipe.language), recipe.language)
        control = load_control(recipe.quality, engine, recipe.language)
        mark = Watermark(recipe.watermark.weights, recipe.watermark.message) if recipe.watermark.weights else None
        return Studio(
            engine,
            planner.voices,
            planner.noises,
            self.seed,
            control=control,
            mark=mark,
            steady=recipe.voices.steady,
            people=planner.people,
            noise_silence=recipe.acoustics.noise_silence,
        )


def _engine(recipe: CorpusRecipe) -> Engine:
    engine = load_engine(recipe.engine, recipe.language)
    users = recipe.voices.user_engine
    return PairedEngine(engine, load_engine(users, recipe.language)) if users else engine


def _both_sides(recipe: CorpusRecipe, voices: Mapping[str, ReferenceVoice]) -> dict[str, ReferenceVoice]:
    """The agent's voices and those of the users' engine, by id."""
    agents = {id: voice for id, voice in voices.items() if id in (recipe.voices.agent or voices)}
    users = engine_voices(recipe.voices.user_engine, (), recipe.language, recipe.voices.side)
    if shared := sorted(agents.keys() & users.keys()):
        raise ValueError(f"voices.user_engine: both engines have a voice {shared[0]!r}; leave it out of voices.agent")
    return {**agents, **users}


@dataclass(frozen=True)
class MadeDialogue:
    """What became of one dialogue: staged on disk (`seconds` of audio), or rejected for a reason."""

    number: int
    id: str
    seconds: float
    rejected: str = ""


class Worker:
    """Plans, renders and stages dialogues of one job."""

    def __init__(self, job: CorpusJob) -> None:
        self.job = job
        self.planner = job.planner()
        self.studio = job.studio(self.planner)

    def make(self, number: int, lines: Sequence[Line] | None = None) -> MadeDialogue:
        """Stage dialogue `number`, unless an earlier run already did; `lines` are its script if it is written."""
        plan = self.planner.plan(number, lines)
        staged = load_staged(self.job.out, plan.id)
        if staged is None:
            try:
                recording = self.studio.render(plan)
            except RejectedError as error:
                return MadeDialogue(number, plan.id, 0.0, str(error))
            stems = recording.stems if self.job.recipe.store.stems else None
            record = stage(self.job.out, recording.dialogue, recording.audio, stems)
        else:
            record = staged.record
        assert record.audio is not None, "staging fills in the audio"
        return MadeDialogue(number, plan.id, record.audio.duration)


_worker: Worker | None = None  # one in each worker process, made by its initialiser
_trouble = ""  # why there is none


def _start(job: CorpusJob) -> None:
    global _worker, _trouble
    follow_parent()
    if "fork" in multiprocessing.get_all_start_methods():  # libraries' locks then leave nothing behind a killed worker
        multiprocessing.set_start_method("fork", force=True)
    try:
        _worker = Worker(job)
    except Exception as error:  # whatever it is, a pool that breaks would not say it
        _trouble = trouble(error)


def trouble(error: Exception) -> str:
    """Why a worker cannot work, in one line."""
    said = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    return f"a worker cannot begin: {' '.join(said.split())}"


def _make(number: int, lines: Sequence[Line] | None) -> MadeDialogue:
    if _worker is None:
        raise ValueError(_trouble)
    return _worker.make(number, lines)


class Pool:
    """Makes dialogues in several processes and hands them over in the order of their numbers.

    A worker that dies is replaced and what it was making is made again. At most twice as many dialogues as there are
    workers are under way or waiting to be handed over.
    """

    def __init__(self, job: CorpusJob, workers: int, scripts: WriteAhead | None = None) -> None:
        """Start the processes; `scripts` writes the dialogues, unless the workers do so themselves."""
        self.job = job
        self.scripts = scripts
        self.workers = workers
        self._executor = self._new()

    def _new(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.workers, mp_context=context, initializer=_start, initargs=(self.job,))

    def made(self, first: int) -> Iterator[MadeDialogue]:
        """Dialogues from number `first` on, for ever.

        Raises:
            ValueError: workers die again and again.
            DiskFullError, and whatever else a worker raised.
        """
        pending: dict[int, Future[MadeDialogue]] = {}
        ahead, number, restarts = first, first, 0
        while True:
            try:
                while len(pending) < 2 * self.workers:
                    pending[ahead] = self._submit(ahead)
                    ahead += 1
                result = pending[number].result()
            except BrokenProcessPool:
                restarts += 1
                if restarts > MAX_RESTARTS:
                    raise ValueError(
                        f"workers died {restarts} times in a row near dialogue {number}: "
                        "too little memory? try fewer --workers"
                    ) from None
                self.stop()
                self._executor = self._new()
                pending, ahead = {}, number
                continue
            restarts = 0
            del pending[number]
            number += 1
            yield result

    def _submit(self, number: int) -> Future[MadeDialogue]:
        """Have a dialogue made; one that could not be written is rejected right away."""
        try:
            lines = self.scripts.lines(number) if self.scripts else None
        except UnusableError as error:
            refused: Future[MadeDialogue] = Future()
            refused.set_result(MadeDialogue(number, dialogue_id(number), 0.0, str(error)))
            return refused
        return self._executor.submit(_make, number, lines)

    def stop(self) -> None:
        """End all workers at once; what they staged stays, what they were making is dropped."""
        processes = list((self._executor._processes or {}).values())
        self._executor.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        for process in processes:
            process.join()
