"""Scenes as features and labels on disk: numbered shards, each whole or absent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpus.audio import Samples
from corpus.durable import replacing

from .config import HOPS, TEACHER
from .features import blank_history, hops
from .labels import FrameLabels, frame_labels
from .scenes import Scene, SceneMaker

SCENES = 100  # a shard
TEACHER_RATE = 12.5  # frames of the teacher a second


@dataclass(frozen=True)
class Examples:
    """N scenes of T frames."""

    hops: NDArray[np.float16]  # [N, 8 T, 88]
    labels: FrameLabels  # each [N, T, ...]
    teacher: NDArray[np.float16]  # [N, T, 64]; NaN where nothing is known


def make_shard(
    path: Path, maker: SceneMaker, number: int, teacher: Mapping[str, Samples], scenes: int = SCENES
) -> None:
    """Write a shard, unless it is there.

    Args:
        path: of the `.npz`.
        maker: what makes scenes.
        number: of the shard; it seeds its scenes.
        teacher: by recording, `[T, 64]` at 12.5 Hz; recordings that lack teach nothing.
        scenes: how many.
    """
    if path.exists():
        return
    made = [maker.make(number, index) for index in range(scenes)]
    arrays = {"hops": np.stack([hops(scene.sound, blank_history())[0].astype(np.float16) for scene in made])}
    labels = [frame_labels(scene.active, scene.stops, scene.backchannel) for scene in made]
    for name in FrameLabels.__dataclass_fields__:
        arrays[name] = np.stack([getattr(each, name) for each in labels])
    arrays["teacher"] = np.stack([_taught(scene, maker, teacher) for scene in made])
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _taught(scene: Scene, maker: SceneMaker, teacher: Mapping[str, Samples]) -> NDArray[np.float16]:
    """The teacher's clean frames, laid where the scene's (maybe stretched) clip time says."""
    clip, time = scene.clip[HOPS // 2 :: HOPS], scene.clip_time[HOPS // 2 :: HOPS]
    out = np.full((len(clip), TEACHER), np.nan, np.float16)
    for index in np.unique(clip[clip >= 0]):
        frames = teacher.get(maker.clips[index].recording.name)
        if frames is not None:
            places = np.flatnonzero((clip == index) & ~np.isnan(time))
            out[places] = frames[np.minimum((time[places] * TEACHER_RATE).astype(int), len(frames) - 1)]
    return out


def read_examples(folder: Path, say: Callable[[str], None] = lambda line: None) -> Examples:
    """All shards of a folder.

    Raises:
        ValueError: there is none.
    """
    paths = sorted(folder.glob("[0-9]*.npz"))
    if not paths:
        raise ValueError(f"{folder} holds no shards: make some with `agent listener prepare`")
    say(f"reading {len(paths)} shards")
    shards = [dict(np.load(path, allow_pickle=False)) for path in paths]
    joined = {name: np.concatenate([shard[name] for shard in shards]) for name in shards[0]}
    labels = FrameLabels(**{name: joined[name] for name in FrameLabels.__dataclass_fields__})
    return Examples(joined["hops"], labels, joined["teacher"])


def principal_components(frames: Samples, count: int = TEACHER) -> tuple[Samples, Samples]:
    """Mean `[D]` and whitened basis `[D, count]` of frames `[n, D]`."""
    mean = frames.mean(0)
    values, vectors = np.linalg.eigh(np.cov((frames - mean).T))
    largest = np.argsort(-values)[:count]
    return mean, (vectors[:, largest] / np.sqrt(values[largest])).astype(np.float32)
