"""Training the model: learning by heart, exact resumption, several processes, what stops a run."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from agent import GREEDY, LanguageModel, tiny
from agent.training.progress import AgentProgress
from agent.training.recipe import AgentRecipe
from agent.training.trainer import AgentTrainer
from codec.training.run_state import TrainingError, write_checkpoint
from corpus.durable import DiskFullError
from tests.support.agent_training import (
    CPU,
    LONG,
    PLAIN,
    QUICK,
    SHARED,
    Crop,
    RandomCodes,
    everything,
    make_trainer,
    quiet,
)
from tests.support.places import ASSETS, ROOT


def test_a_tiny_model_learns_two_dialogues_by_heart() -> None:
    config, frames = tiny(), 24
    codes = RandomCodes(config).batch(5, 2, frames).codes
    codes[:, :3, 0] = 0  # nothing is known yet of which dialogue it is
    assert not torch.equal(codes[0, 3:5, 0], codes[1, 3:5, 0])

    class Two(RandomCodes):
        def batch(self, step: int, rows: int, frames: int, part: int = 0, parts: int = 1) -> Crop:
            return Crop(codes)

    recipe = AgentRecipe(
        steps=400, batch=2, frames=frames, warmup=20, learning_rate=1e-2, depth_learning_rate=1e-2, weight_decay=0.0,
        semantic_weight=1.0, depth_frames=0.5, user_weight=0.1, text_rate=1.0, precision="float32",
    )  # fmt: skip
    torch.manual_seed(0)
    model = LanguageModel(config)
    trainer = AgentTrainer(model, recipe, Two(config), Path("unused"), CPU)
    for trainer.step in range(recipe.steps):
        parts = trainer.train_step().parts
    assert parts["text"] < 0.05, parts
    model.eval()
    for dialogue in codes:
        state, said = model.init_state(), []
        for frame in range(frames):
            heard = dialogue[None, 3:5, max(frame - 1, 0)]  # a frame is heard before the next one is said
            out, state = model.step(heard, state, GREEDY)
            if out.ready[0]:
                said.append(out.tokens[0])
        assert len(said) == frames - 1
        assert torch.equal(torch.stack(said, dim=1), dialogue[:3, : frames - 1])


def test_resuming_equals_an_undisturbed_run_to_the_bit(tmp_path: Path) -> None:
    straight = make_trainer(tmp_path / "straight")
    assert straight.run(quiet(straight.folder))
    killed = make_trainer(tmp_path / "killed")
    killed.run(quiet(killed.folder), until=7)
    for until in (9, None):
        again = make_trainer(tmp_path / "killed", seed=1)  # whatever it starts from is overwritten
        again.resume()
        again.run(quiet(again.folder), until=until)
    expected, found = everything(straight), everything(again)
    assert expected.keys() == found.keys()
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []
    validations = [(run.folder / "validation.jsonl").read_text().splitlines()[-1] for run in (straight, again)]
    assert validations[0] == validations[1]


WORKER = """
import sys, torch
from pathlib import Path
from agent.training.progress import AgentProgress
from codec.training import parallel
from tests.support.agent_training import LONG, SHARED, make_trainer
torch.set_num_threads(1)
out, kind = Path(sys.argv[1]), sys.argv[2]
out.mkdir(parents=True, exist_ok=True)
recipe = LONG if kind == "alone" else SHARED
with parallel.process_group(torch.device("cpu")):
    for name in ["."] if kind == "alone" else ["averaged", "sharded"]:
        place = out / name
        place.mkdir(exist_ok=True)
        trainer = make_trainer(place, recipe, seed=parallel.rank(), sharded=name == "sharded")
        for until in (7, recipe.steps):
            trainer.run(AgentProgress(place, recipe, lambda line: print(line, flush=True)), until)
            if name != ".":
                trainer = make_trainer(place, recipe, seed=5 + parallel.rank(), sharded=name == "sharded")
                trainer.resume()
"""


def start_worker(folder: Path, kind: str, processes: int = 1) -> subprocess.Popen[str]:
    """Start processes that train in `folder`."""
    folder.mkdir(parents=True)
    script = folder / "worker.py"
    script.write_text(WORKER)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    line = [sys.executable, *(launcher if processes > 1 else []), str(script), str(folder), kind]
    return subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def losses_of(lines: list[str]) -> dict[int, str]:
    """Step -> the losses of its progress line."""
    found = {}
    for words in (line.split("  ") for line in lines if line[:1].isdigit()):
        found[int(words[0].split("/")[0])] = " ".join(words[1 : words.index(next(w for w in words if w[:2] == "lr"))])
    return found


def test_a_killed_process_resumes_with_the_losses_of_an_undisturbed_one(tmp_path: Path) -> None:
    def go_on(name: str, say: Callable[[str], None], resume: bool) -> bool:
        trainer = make_trainer(tmp_path / name, LONG, seed=int(resume))
        trainer.folder.mkdir(exist_ok=True)
        if resume:
            trainer.resume()
        return trainer.run(AgentProgress(trainer.folder, LONG, say))

    straight: list[str] = []
    assert go_on("straight", straight.append, resume=False)
    with start_worker(tmp_path / "killed", "alone") as process:
        assert process.stdout is not None
        for row in process.stdout:
            if row.startswith("23/"):
                process.kill()
                break
    resumed: list[str] = []

    def say(line: str) -> None:
        resumed.append(line)
        if line.startswith("41/"):
            signal.raise_signal(signal.SIGINT)  # Ctrl-C: the step is ended, then all is saved

    assert not go_on("killed", say, resume=True)
    assert go_on("killed", say, resume=True)
    expected, found = losses_of(straight), losses_of(resumed)
    assert list(expected) == list(range(1, 61))
    assert next(iter(found)) in (21, 26, 31, 36)  # after the last of the checkpoints, which come every 5 steps
    assert list(found) == list(range(next(iter(found)), 61))  # no step twice
    assert found == {step: expected[step] for step in found}
    assert len(set(expected.values())) == 60


def test_processes_that_average_or_share_train_as_one_does(tmp_path: Path) -> None:
    alone = make_trainer(tmp_path / "alone", SHARED.changed(batch=2))
    alone.run(quiet(alone.folder))
    expected = everything(alone)
    start = {f"model.{name}": p for name, p in make_trainer(tmp_path / "start", SHARED).trained.items()}
    with start_worker(tmp_path / "both", "together", processes=2) as process:
        _, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors[-2000:]
    for kind in ("averaged", "sharded"):
        one = make_trainer(tmp_path / "both" / kind, SHARED.changed(accumulate=2, steps=61))  # two passes for two cards
        assert "recipe.accumulate 1 -> 2" in one.resume()
        found = everything(one)
        assert expected.keys() == found.keys()
        for name, before in start.items():
            moved = (expected[name] - before).abs().mean()
            assert (found[name] - expected[name]).abs().mean() < 0.1 * moved, (kind, name)
        fewer = make_trainer(tmp_path / "both" / kind, SHARED)
        with pytest.raises(ValueError, match=r"rows\.heard was 2, is 1"):
            fewer.resume()


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path)
    with torch.no_grad():
        trainer.model.text_linear.weight[0, 0] = float("nan")
    with pytest.raises(TrainingError, match=r"step 0: the loss or its gradient is not finite.*learning rate"):
        trainer.run(quiet(tmp_path))
    assert not (tmp_path / "checkpoint.safetensors").exists()


def test_resuming_another_model_is_refused(tmp_path: Path) -> None:
    make_trainer(tmp_path).save()
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    config = replace(tiny(), ours=replace(tiny().ours, user_text_delay=None))
    other = AgentTrainer(LanguageModel(config), QUICK, RandomCodes(config), tmp_path, CPU)
    with pytest.raises(ValueError, match="begun with something else: model"):
        other.resume()
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before
    (tmp_path / "checkpoint.safetensors").write_bytes(before[:1000])
    with pytest.raises(ValueError, match="cannot read"):
        make_trainer(tmp_path).resume()


def test_lines_say_what_a_run_does(tmp_path: Path) -> None:
    lines: list[str] = []
    trainer = make_trainer(tmp_path)
    trainer.run(AgentProgress(tmp_path, QUICK, lines.append, hours=0.01))
    wanted = (
        "text words user_text user_words semantic acoustic user_semantic user_acoustic lr frames/s left epochs padding"
    )
    assert all(word in lines[-2] for word in wanted.split()), lines
    assert lines[-1].startswith("validation at 12: loss")


def test_ways_to_compute_agree(tmp_path: Path) -> None:
    expected = make_trainer(tmp_path, PLAIN).train_step().parts
    recomputed, shortened = PLAIN.changed(gradient_checkpointing=True), PLAIN.changed(precision="bfloat16")
    for other, close in ((recomputed, 1e-5), (shortened, 0.02)):
        found = make_trainer(tmp_path, other).train_step().parts
        assert found == pytest.approx(expected, rel=close)
        assert (found == expected) == (other.precision == "float32")


def test_a_run_of_before_goes_on(tmp_path: Path) -> None:
    """What a checkpoint said of itself before there were passes, counted frames and whole validation."""
    recipe = PLAIN.changed(steps=6, checkpoint_every=3, validate_every=100, depth_frames=1.0)
    old = make_trainer(tmp_path, recipe)
    old.step = 3
    tensors = load_file(old.save())
    about = json.loads((ASSETS / "agent_checkpoint_before.json").read_text())
    write_checkpoint(tmp_path / "checkpoint.safetensors", about, tensors)
    again = make_trainer(tmp_path, recipe.changed(steps=7, log_every=1), seed=1)
    assert again.resume() == ["recipe.steps 6 -> 7", "recipe.validation_batches 2 -> null", "recipe.log_every 4 -> 1"]
    assert (again.step, again.best) == (3, math.inf)  # the figure was another one
    assert again.run(quiet(tmp_path, again.recipe))


def test_what_differs_is_named_key_by_key(tmp_path: Path) -> None:
    first = make_trainer(tmp_path)
    first.origin = {"data": "a" * 64, "adapters": {"rank": 4, "scaling": 2.0}}
    first.save()
    for change, origin, message in (
        ({"seed": 1, "masking": 0.5}, {}, r"recipe\.seed was 0, is 1; recipe\.masking was 0\.1, is 0\.5"),
        ({}, {"data": "b" * 64}, "data was"),
        ({}, {"adapters": {"rank": 4, "scaling": 1.0}}, r"adapters\.scaling was 2\.0, is 1\.0"),
        ({}, {"adapters": {"rank": 8, "scaling": 2.0}}, r"adapters\.rank was 4, is 8"),
    ):
        other = make_trainer(tmp_path, QUICK.changed(**change))
        other.origin = {**first.origin, **origin}
        with pytest.raises(ValueError, match=message):
            other.resume()
    slower = make_trainer(tmp_path, QUICK.changed(learning_rate=1e-4))
    slower.origin = first.origin
    assert slower.resume() == ["recipe.learning_rate 0.003 -> 0.0001"]


def test_a_checkpoint_is_whole_has_the_umasks_mode_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(tmp_path)
    before = os.umask(0o027)
    try:
        path = trainer.save()
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640
    whole = path.read_bytes()

    def full(*_: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("codec.tensor_file.save_file", full)
    with pytest.raises(DiskFullError, match=r"disk full while writing .*checkpoint\.safetensors"):
        trainer.save()
    assert path.read_bytes() == whole
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_run_resumed_at_its_end_writes_what_is_for_use(tmp_path: Path) -> None:
    recipe = QUICK.changed(steps=4, validate_every=100, checkpoint_every=2)
    make_trainer(tmp_path, recipe).run(quiet(tmp_path, recipe), until=3)
    again, written = make_trainer(tmp_path, recipe.changed(steps=3)), list[Path]()
    again.export = lambda _, folder: written.append(folder)
    again.resume()
    assert again.run(quiet(tmp_path, again.recipe))
    assert tmp_path in written


def test_validation_lines_do_not_repeat_after_a_resume(tmp_path: Path) -> None:
    recipe = QUICK.changed(steps=9, validate_every=2, checkpoint_every=100)
    make_trainer(tmp_path, recipe).run(quiet(tmp_path, recipe), until=4)
    with (tmp_path / "validation.jsonl").open("a") as lines:
        lines.write('{"step": 6, "loss": 1.0}\n{"step": 8, "lo')  # of a run killed after its last checkpoint
    again = make_trainer(tmp_path, recipe)
    again.resume()
    again.run(quiet(tmp_path, recipe))
    steps = [json.loads(line)["step"] for line in (tmp_path / "validation.jsonl").read_text().splitlines()]
    assert steps == [2, 4, 6, 8, 9]
