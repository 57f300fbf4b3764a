"""From recordings to weights: seeded, resumable, and able to learn what is to be learnt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from agent.listener.config import ListenerConfig  # noqa: E402
from agent.listener.labels import voice_activity  # noqa: E402
from agent.listener.recipe import ListenerRecipe, SceneRecipe, TrainingRecipe, read_recipe  # noqa: E402
from agent.listener.recordings import ClipWord, CollectedRecording, TurnClip, read_speakers  # noqa: E402
from agent.listener.scenes import SceneMaker  # noqa: E402
from agent.listener.shards import make_shard, read_examples  # noqa: E402
from agent.listener.training import ListenerTrainer  # noqa: E402
from tests.support.places import DATASETS  # noqa: E402
from tests.support.speechlike import speech_like  # noqa: E402

TINY = ListenerConfig(front=8, middle=12, hidden=32, layers=1, head=16, dropout=0.0)
RECIPE = ListenerRecipe(scenes=SceneRecipe(seconds=6, nobody=0.0, noise=0.0, others=0.0, rooms=0.0, telephone=0.0))


def clip(number: int) -> TurnClip:
    quiet = np.random.default_rng(number).normal(0, 1e-3, 12_000).astype(np.float32)
    sound = np.concatenate([quiet, speech_like(2.4, number), quiet])
    recording = CollectedRecording(Path("none"), f"{number}.opus", f"S{number % 2}", "sentences", len(sound) / 24_000)
    words = tuple(ClipWord(f"w{i}" + "." * (i == 7), 0.5 + 0.3 * i, 0.8 + 0.3 * i) for i in range(8))
    return TurnClip(recording, sound, words, voice_activity(sound))


@pytest.fixture(scope="module")
def maker() -> SceneMaker:
    return SceneMaker(RECIPE, [clip(number) for number in range(4)], [], [])


def test_a_scene_hangs_on_its_seed_and_its_labels_fit_its_sound(maker: SceneMaker) -> None:
    for seed in range(6):
        scene = maker.make(0, seed)
        again = maker.make(0, seed)
        np.testing.assert_array_equal(scene.sound, again.sound)
        assert scene.stops == again.stops
        power = (scene.sound.reshape(-1, 240) ** 2).mean(1)
        assert power[scene.active].mean() > 20 * power[~scene.active].mean()
        for stop in scene.stops:
            assert scene.active[stop.hop - 1]
            assert stop.hop == 600 or not scene.active[stop.hop]
            if stop.over:  # the voice of an end stays silent for 0.6 s at least
                assert not scene.active[stop.hop : stop.hop + 55].any()
    assert not np.array_equal(maker.make(0, 0).sound, maker.make(0, 1).sound)


def test_a_shard_is_whole_and_stays(maker: SceneMaker, tmp_path: Path) -> None:
    frames = np.arange(64 * 60, dtype=np.float32).reshape(60, 64)
    taught = {f"{number}.opus": frames for number in range(4)}
    make_shard(tmp_path / "0000.npz", maker, 0, taught, scenes=4)
    before = (tmp_path / "0000.npz").stat().st_mtime_ns
    make_shard(tmp_path / "0000.npz", maker, 0, taught, scenes=4)
    examples = read_examples(tmp_path)
    assert (tmp_path / "0000.npz").stat().st_mtime_ns == before
    assert examples.hops.shape == (4, 600, 88)
    assert examples.labels.future.shape == (4, 75, 4)
    known = examples.teacher[~np.isnan(examples.teacher[..., 0])]
    assert len(known)
    assert set(np.unique(known[:, 0] % 64)) == {0.0}
    with pytest.raises(ValueError, match="no shards"):
        read_examples(tmp_path / "empty")


def test_it_learns_a_few_scenes_and_resumes_to_the_bit(maker: SceneMaker, tmp_path: Path) -> None:
    make_shard(tmp_path / "0000.npz", maker, 0, {}, scenes=6)
    examples = read_examples(tmp_path)
    recipe = TrainingRecipe(batch=6, steps=80, warmup=5, learning_rate=1e-2, tilt=0.0, masked=0.0, carried=0.0)
    first = ListenerTrainer(examples, recipe, TINY)
    first.train(tmp_path / "one", say=lambda line: None)
    part = ListenerTrainer(examples, recipe, TINY)
    part.train(tmp_path / "two", say=lambda line: None, until=30)
    rest = ListenerTrainer(examples, recipe, TINY)
    rest.train(tmp_path / "two", say=lambda line: None)
    for one, other in zip(first.average.state_dict().values(), rest.average.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    with torch.no_grad():
        hops = torch.from_numpy(examples.hops.astype(np.float32))
        logits = first.network.eval()(hops, first.network.init_state(6))[0].numpy()
    asked = examples.labels.turn_end_weight > 0
    right = (logits[..., 1] > 0) == (examples.labels.turn_end > 0.5)
    assert right[asked].mean() > 0.95
    assert ((logits[..., 0] > 0) == (examples.labels.speech > 0.5)).mean() > 0.95


def test_the_recipe_is_strict(tmp_path: Path) -> None:
    assert read_recipe(DATASETS / "listener.toml").training.steps
    bad = tmp_path / "bad.toml"
    bad.write_text("[scenes]\nnoize = 1\n")
    with pytest.raises(ValueError, match="noize"):
        read_recipe(bad)


def test_speakers_are_held_out_once(tmp_path: Path) -> None:
    speakers = read_speakers(DATASETS / "held-out-speakers.txt")
    assert {"LS26", "LS27"} <= speakers["judge"]
    assert not speakers["judge"] & speakers["develop"]
