"""`synth generate`: plan, render, publish; resume where an earlier run stopped, append when more hours are asked."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from corpus.durable import replace_synced
from corpus.manifest import IDENTITY, WORK
from corpus.store import Corpus, CorpusInfo, CorpusWriter, ensure_space, read_info
from corpus.suggestion import suggestion

from ..plan import GENERATION, Planner
from ..presets import PRESETS
from ..recipe import CorpusRecipe, load_recipe, taken_up
from ..report import CorpusStats, collect, write_page
from ..script.models.writer import ModelWriter
from ..script.writers import parse_writer
from .casts import prepare_casts
from .mirror import Mirror
from .people import prepare_people
from .progress import CorpusProgress
from .ray_cluster import check_ray
from .ray_pool import RayPool
from .workers import CorpusJob, Pool
from .write_ahead import WriteAhead, write_ahead

BYTES_PER_HOUR = 200_000_000  # FLAC, two channels with a noise floor (measured 0.16-0.18 GB)
BYTES_PER_HOUR_STEMS = 120_000_000  # clean stems hold digital silence
REJECTED = "rejected.txt"  # dialogues that came to nothing, a line each
MOST_HOURS = 1_000_000.0
MOST_REJECTED_IN_A_ROW = 20
MOST_WRITERS = 256


@dataclass(frozen=True)
class CorpusOrder:
    """What a user asked for, checked."""

    out: Path
    hours: float
    recipe: CorpusRecipe
    seed: int
    workers: int
    ray: str = ""  # address of a Ray cluster; empty: processes of this computer
    ray_gpus: float = 0.0  # share of a GPU for each worker there
    mirror: str = ""  # URL the corpus is copied to as it grows
    dialogues: int = 0  # at most so many, however short they are; 0: no bound

    @classmethod
    def of(
        cls,
        *,
        out: Path,
        hours: float,
        recipe: Path | None = None,
        engine: str | None = None,
        timing: str | None = None,
        writer: str | None = None,
        writers: int = 0,
        seed: int = 0,
        workers: int = 0,
        ray: str = "",
        ray_gpus: float = 0.0,
        mirror: str = "",
        dialogues: int = 0,
        quality: bool = False,
        whisper: str = "",
    ) -> CorpusOrder:
        """Check an order as typed.

        `workers` 0 means one for each core, `writers` 0 as many requests at a time as the recipe says; `quality` and
        `whisper` shut quality gates.

        Raises:
            ValueError: hours or workers out of range, an unreadable recipe, an unknown engine or preset.
        """
        if not (math.isfinite(hours) and 0 < hours <= MOST_HOURS):
            raise ValueError(f"--hours must be above 0 and at most {MOST_HOURS:,.0f}, not {hours:g}")
        if dialogues < 0:
            raise ValueError(f"--dialogues must be 0 (no bound) or more, not {dialogues}")
        if workers < 0:
            raise ValueError(f"--workers must be 0 (one for each core) or more, not {workers}")
        if timing is not None and timing not in PRESETS:
            raise ValueError(f"unknown timing preset {timing!r}{suggestion(timing, PRESETS)}")
        chosen = load_recipe(recipe) if recipe else CorpusRecipe()
        if writer is not None:
            parse_writer(writer)
        if not 0 <= writers <= MOST_WRITERS:
            raise ValueError(f"--writers must be 1 to {MOST_WRITERS} requests at a time, not {writers}")
        asked = {"use": writer, "concurrency": writers or None}
        changed = {name: value for name, value in asked.items() if value is not None}
        writing = chosen.writer.model_copy(update=changed) if changed else None
        gating = chosen.quality.switched_on(whisper, recordings=not chosen.voices.blend) if quality or whisper else None
        overrides = {"engine": engine, "timing": timing, "writer": writing, "quality": gating}
        given = {name: value for name, value in overrides.items() if value is not None}
        if not ray:
            workers = workers or os.cpu_count() or 1
        return cls(out, hours, chosen.model_copy(update=given), seed, workers, ray, ray_gpus, mirror, dialogues)


@dataclass(frozen=True)
class Outcome:
    """A finished corpus: its figures, where its report is, which timing figures are out of the preset's bands."""

    stats: CorpusStats
    report: Path
    rejected: int
    out_of_band: tuple[str, ...]
    speed: float | None  # hours made per hour of wall time; None when nothing was missing

    def to_json(self) -> str:
        """One JSON object for programs."""
        return json.dumps(
            {
                **self.stats.to_dict(),
                "rejected": self.rejected,
                "out_of_band": list(self.out_of_band),
                "report": str(self.report),
                "speed": self.speed,
            },
            indent=2,
        )


def generate(order: CorpusOrder, *, silent: bool = False, heed: Callable[[int], None] = lambda _: None) -> Outcome:
    """Write the corpus an order asks for, or what is missing of it.

    Args:
        order: checked.
        silent: print nothing.
        heed: called with the number of dialogues done, after each.

    Raises:
        ValueError: the engine or a voice cannot be had, the directory holds something else, the disk is full.
        KeyboardInterrupt: stopped by the user; the same order resumes.
    """
    prepare_people(order.recipe, silent=silent)
    prepare_casts(order.recipe, silent=silent)
    order = _taken_up(order)
    job = CorpusJob(order.out, order.recipe, order.seed, order.hours)
    planner = job.planner()
    planner.check()  # what cannot be had fails before anything is written
    engine = job.check()
    mirror = Mirror(order.mirror) if order.mirror else None
    if order.ray:
        check_ray(order.ray)
    info = CorpusInfo(
        generator=_maker(),
        engine=engine,
        timing=order.recipe.timing,
        seed=order.seed,
        recipe=order.recipe.model_dump(mode="json"),
    )
    _ensure_space(order)
    rejected, speed, began = 0, None, time.monotonic()
    with CorpusWriter.open(order.out, info) as writer:
        there = writer.published.seconds
        if there < order.hours * 3600 and not _last(order, writer.published.next_number - 1):
            rejected = _fill(order, job, planner, writer, mirror, silent=silent, heed=heed)
            speed = round((writer.published.seconds - there) / (time.monotonic() - began), 2)
        writer.finish()
        if mirror:
            mirror.send(order.out)
        made = (writer.published.seconds - there) / 3600
    if isinstance(planner.writer, ModelWriter) and not silent:
        planner.writer.ledger.told(print, hours=made, price=order.recipe.writer.price)
    data = collect(Corpus(order.out), title=order.recipe.name)
    return Outcome(data.stats, write_page(order.out, data), rejected, out_of_band(data.stats), speed)


def _taken_up(order: CorpusOrder) -> CorpusOrder:
    """The order with the defaults of the corpus that is there already, if an earlier release began it."""
    if not (order.out / IDENTITY).exists():
        return order
    stored = read_info(order.out)
    if stored.generator == _maker():  # of this release: its defaults are ours, so another recipe is another corpus
        return order
    return replace(order, recipe=taken_up(order.recipe, dict(stored.recipe)))


def _maker() -> str:
    """This release, as a corpus names it."""
    return f"duologue {version('duologue')}, generation {GENERATION}"


def _ensure_space(order: CorpusOrder) -> None:
    """Raise ValueError where the disk cannot hold what is missing, before anything is written."""
    there = Corpus(order.out).seconds if (order.out / IDENTITY).exists() else 0.0
    per_hour = BYTES_PER_HOUR + (BYTES_PER_HOUR_STEMS if order.recipe.store.stems else 0)
    ensure_space(order.out, round(max(order.hours - there / 3600, 0.0) * per_hour))


def _last(order: CorpusOrder, number: int) -> bool:
    """Whether dialogue `number` is the last that may be made."""
    return bool(order.dialogues) and number + 1 >= order.dialogues


def _fill(
    order: CorpusOrder,
    job: CorpusJob,
    planner: Planner,
    writer: CorpusWriter,
    mirror: Mirror | None,
    *,
    silent: bool,
    heed: Callable[[int], None],
) -> int:
    """Make and publish dialogues until the corpus holds what is asked for; returns how many were rejected."""
    wanted, seconds = order.hours * 3600, writer.published.seconds
    rejected = in_a_row = 0
    ready: list[str] = []
    scripts = write_ahead(planner, order.out)
    pool = _pool(order, job, scripts)
    with CorpusProgress(order.hours, start_hours=seconds / 3600, silent=silent) as progress:
        try:
            for made in pool.made(writer.published.next_number):
                heed(made.number + 1)
                if made.rejected:
                    rejected, in_a_row = rejected + 1, in_a_row + 1
                    progress.reject(made.rejected)
                    _list_reject(order.out, made.rejected)
                    if in_a_row > MOST_REJECTED_IN_A_ROW:
                        raise ValueError(f"{in_a_row} dialogues in a row were rejected; the last: {made.rejected}")
                else:
                    in_a_row = 0
                    ready.append(made.id)
                    seconds = round(seconds + round(made.seconds, 4), 4)  # as shards add up, so that a resume agrees
                    progress.dialogue(made.seconds)
                done = seconds >= wanted or _last(order, made.number)
                if ready and (len(ready) == order.recipe.store.shard_dialogues or done):
                    writer.publish(ready)
                    if mirror and not done:  # the last shard goes with the finished corpus
                        mirror.send(order.out)
                    progress.shard()
                    ready = []
                if done:
                    break
        finally:
            pool.stop()
            if scripts:
                scripts.stop()
    return rejected


def _list_reject(out: Path, why: str) -> None:
    """Add a dialogue that was rejected whole to the corpus's list, once."""
    path, line = out / REJECTED, " ".join(why.split())
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    if line not in known.splitlines():
        replace_synced(path, f"{known}{line}\n".encode(), out / WORK)


def _pool(order: CorpusOrder, job: CorpusJob, scripts: WriteAhead | None) -> Pool | RayPool:
    """Where the work is done: processes of this computer, or a cluster."""
    if order.ray:
        return RayPool(job, order.workers, scripts, order.ray, order.ray_gpus)
    return Pool(job, order.workers, scripts)


def out_of_band(stats: CorpusStats) -> tuple[str, ...]:
    """The timing figures that miss their band, each as `name value (low to high)`."""
    return tuple(
        f"{measure.name} {measure.value:.3g} ({measure.band[0]:g} to {measure.band[1]:g})"
        for measure in stats.measures
        if measure.inside is False and measure.value is not None and measure.band is not None
    )
