"""`synth plan`: a file appears whole or stays as it was; a writer's sample tells what was refused and why."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from synth.cli import app
from tests.support.chat_server import Answer, chat_server, good

RECIPE = """
engine = "piper"
[length]
shortest = 60
longest = 80
[writer]
concurrency = 2
tries = 2
price = [1, 2]
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


def synth(*words: object) -> tuple[BaseException | None, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return (None if isinstance(result.exception, SystemExit) else result.exception), result.stderr


def test_a_sample_tells_what_was_refused_and_what_it_costs(recipe: Path) -> None:
    with chat_server() as server:
        server.usual = lambda prompt, seed: (
            Answer("<think>SECRET</think>I would rather not.") if seed % 3 == 0 else good(prompt, seed)
        )
        error, told = synth("plan", "--sample", 12, "--recipe", recipe, "--writer", server.writer, "--writers", 4)
    assert error is None
    assert server.most_at_once <= 4
    refused = sum(request["seed"] % 3 == 0 for request in server.requests)
    assert f"{len(server.requests)} answers, {refused} of them refused" in told
    assert f"{refused} x json" in told
    assert "the answer holds no JSON" in told
    assert "answer: I would rather not." in told
    assert "SECRET" not in told
    assert f"{100 * len(server.requests):,} tokens read" in told
    assert "for 1,000 hours" in told


def test_a_dialogue_that_comes_to_nothing_is_left_out(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "plans.jsonl"
    with chat_server() as server:
        server.script = [lambda prompt, seed: Answer("no")] * 4  # two scenarios of two tries each
        error, told = synth(
            "plan", "--sample", 4, "--recipe", recipe, "--writer", server.writer, "--writers", 1, "--out", out
        )
    assert error is None
    assert [json.loads(line)["id"] for line in out.read_text().splitlines()] == ["d0000001", "d0000002", "d0000003"]
    assert "left out: the answer holds no JSON [json]" in told
    assert "3 of 4 dialogues" in told


def test_a_file_stays_as_it_was_until_there_is_a_new_one(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "plans.jsonl.gz"
    error, _ = synth("plan", "--hours", 0.01, "--recipe", recipe, "--out", out)
    assert error is None
    before = out.read_bytes()
    assert json.loads(gzip.decompress(before).splitlines()[0])["id"] == "d0000000"
    nobody = "openai:http://127.0.0.1:9/v1#m"
    recipe.write_text(RECIPE.replace("tries", "retries = 0\ntries"))
    error, _ = synth("plan", "--hours", 1, "--recipe", recipe, "--writer", nobody, "--out", out)
    assert isinstance(error, ValueError)
    assert out.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plans.jsonl.gz", "recipe.toml"]


@pytest.mark.parametrize("words", [(), ("--hours", 1, "--sample", 2), ("--sample", 0)])
def test_how_much_to_plan_has_to_be_said(words: tuple[object, ...]) -> None:
    error, _ = synth("plan", *words)
    assert str(error) == "say how much to plan: --hours H, or --sample N dialogues"
