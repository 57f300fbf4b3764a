"""A corpus made on a Ray cluster: the local pool's files, whatever nodes are lost on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.manifest import WORK
from corpus.staging import DONE
from synth.recipe import parse_recipe
from synth.running.ray_pool import RayPool, RayWorker
from synth.running.workers import CorpusJob, MadeDialogue, Pool

ray = pytest.importorskip("ray", reason="needs the extra 'ray'")
pytest.importorskip("piper", reason="needs the extra 'piper'")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
RECIPE = parse_recipe({"name": "short", "length": {"shortest": 20, "longest": 25}, "topics": {"checkable": 1}})
COUNT = 4


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two nodes of one CPU each."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield made
    ray.shutdown()
    made.shutdown()


def job(out: Path) -> CorpusJob:
    (out / WORK / DONE).mkdir(parents=True)
    return CorpusJob(out, RECIPE, seed=3)


def take(pool: Any) -> list[MadeDialogue]:
    made = pool.made(0)
    return [next(made) for _ in range(COUNT)]


def files(out: Path) -> dict[str, str]:
    """sha256 of the staged files of the first dialogues, by path."""
    folder = out / WORK / DONE
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and int(path.parent.name[-6:]) < COUNT]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_a_killed_node_costs_nothing(cluster: Any, tmp_path: Path) -> None:
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    clustered = RayPool(job(tmp_path / "ray"), workers=2, address=cluster.address)
    outcomes = clustered.made(0)
    made = [next(outcomes) for _ in range(2)]
    cluster.remove_node(second, allow_graceful=False)
    cluster.add_node(num_cpus=1)
    made += [next(outcomes) for _ in range(COUNT - 2)]
    clustered.stop()
    local = Pool(job(tmp_path / "local"), workers=1)
    try:
        assert take(local) == made
    finally:
        local.stop()
    assert [one.number for one in made] == list(range(COUNT))
    assert files(tmp_path / "ray") == files(tmp_path / "local") != {}


def test_an_actor_that_cannot_begin_says_why(tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"engine": "worker:nowhere.toml"})
    actor = RayWorker(CorpusJob(tmp_path, recipe, 0))
    with pytest.raises(ValueError, match=r"a worker cannot begin: cannot read the engine's file nowhere.toml"):
        actor.ready()


def test_no_cluster_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no Ray cluster at '127\.0\.0\.1:1'"):
        RayPool(job(tmp_path), address="127.0.0.1:1")
