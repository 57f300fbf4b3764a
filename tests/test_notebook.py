"""The notebook of examples/ runs from its first cell to its last, offline, and lies there without outputs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.support.tiny_corpus import write_corpus

nbformat = pytest.importorskip("nbformat", reason="needs nbclient and ipykernel")
nbclient = pytest.importorskip("nbclient", reason="needs nbclient and ipykernel")

NOTEBOOK = ROOT / "examples" / "first_steps.ipynb"


def test_it_is_a_notebook_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell for cell in cells if cell.outputs or cell.execution_count is not None] == []


def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path / "out" / "demo", 1)
    here = tmp_path / "examples"
    here.mkdir()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(here)}}
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    values = [output.data["text/plain"] for output in outputs if output.output_type == "execute_result"]
    assert values[0] == "<corpus ../out/demo: 0.00 hours, 1 dialogues, 2 speakers, en>"
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    assert "(2, 8, 100)" in printed  # codes of eight seconds
    assert "heard:" in printed
    assert sum("<audio" in output.data.get("text/html", "") for output in outputs if "data" in output) == 4
    assert (here / "question.wav").is_file()
