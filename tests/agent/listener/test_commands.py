"""`agent listener` from a folder of recordings to a judged listener; nobody who is held out is trained on."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch")

from agent.commands.listener import evaluate, prepare, train
from agent.listener.collection import Collection
from agent.listener.recipe import ListenerRecipe
from tests.support.places import DATASETS
from tests.support.speechlike import speech_like

RECIPE = "[scenes]\nseconds = 4\n[training]\nsteps = 2\nbatch = 2\n"


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two speakers to train on, one to develop with, noise; in the layout of the collection."""
    folder = tmp_path_factory.mktemp("speech")
    rows = []
    for number, speaker in enumerate(["A", "B", "DEV", "LS27"]):
        quiet = np.random.default_rng(number).normal(0, 1e-3, 12_000).astype(np.float32)
        sound = np.concatenate([quiet, speech_like(2.4, number), quiet])
        soundfile.write(folder / f"{speaker}.wav", sound, 24_000)
        rows.append({"path": f"{speaker}.wav", "speaker": speaker, "source": "sentences", "seconds": 3.4})
    noise = {"path": "A.wav", "source": "ambience", "seconds": 3.4}
    for name, lines in {"train": rows, "noise": [noise], "prompts": [], "conv": []}.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = [[f"w{i}", 0.5 + 0.3 * i, 0.8 + 0.3 * i] for i in range(8)]
    with gzip.open(folder / "transcripts.jsonl.gz", "wt") as file:
        file.write("".join(json.dumps({"path": row["path"], "words": words}) + "\n" for row in rows))
    (folder / "held-out.txt").write_text("[judge]\nLS27\n[develop]\nDEV # remark\n")
    (folder / "recipe.toml").write_text(RECIPE)
    return folder


def test_from_recordings_to_a_judged_listener(speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lists = {"transcripts": speech / "transcripts.jsonl.gz", "held_out": speech / "held-out.txt"}
    prepare(speech, tmp_path / "data", speech / "recipe.toml", **lists, shards=1)
    train(tmp_path / "data", tmp_path / "run", speech / "recipe.toml")
    capsys.readouterr()
    evaluate(speech, str(tmp_path / "run" / "listener"), **lists, part="develop", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["speakers"] == 1
    assert set(found["rows"]["clean"]) == {"listener"}


def test_who_is_held_out_is_in_no_scene(speech: Path) -> None:
    collection = Collection.open(speech, speech / "transcripts.jsonl.gz", speech / "held-out.txt")
    assert {each.speaker for each in collection.training()} == {"A", "B"}
    maker = collection.scene_maker(ListenerRecipe())
    assert {clip.recording.speaker for clip in maker.clips} == {"A", "B"}
    assert {judged.speaker for judged in collection.judged("develop")} == {"DEV"}


def test_a_list_without_sections_is_refused(speech: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("LS27\n")
    with pytest.raises(ValueError, match=r"\[judge\]"):
        Collection.open(speech, speech / "transcripts.jsonl.gz", tmp_path / "list.txt")
    with pytest.raises(ValueError, match="no transcripts"):
        Collection.open(speech, tmp_path / "none.gz", DATASETS / "held-out-speakers.txt")
