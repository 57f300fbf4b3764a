"""The public names of every floor: what is listed here stays; importing a floor imports nothing heavy."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from tests.support.heavy import HEAVY

PUBLIC = {
    "corpus": {"Corpus", "CorpusInfo", "CorpusWriter", "Dialogue", "Speaker", "Turn", "Voice", "Word"},
    "codec": {"Codec", "CodecConfig", "CodecState", "laptop", "mimi"},
    "synth": {"CorpusOrder", "CorpusRecipe", "Outcome", "generate", "load_recipe"},
    "agent": {
        "GREEDY",
        "Batch",
        "Bundle",
        "Frame",
        "LanguageModel",
        "ModelConfig",
        "ModelState",
        "Output",
        "Sampling",
        "hear",
        "laptop",
        "load_bundle",
        "load_model",
        "moshi_7b",
        "say",
        "tiny",
    },
    "duologue": {
        "Agent",
        "AgentStream",
        "Codec",
        "LoadedCorpus",
        "LoadedDialogue",
        "Reply",
        "SpokenWord",
        "load_corpus",
    },
}


@pytest.mark.parametrize("package", PUBLIC)
def test_a_package_offers_these_names_and_each_is_there(package: str) -> None:
    module = importlib.import_module(package)
    assert set(module.__all__) == PUBLIC[package]
    assert set(dir(module)) >= PUBLIC[package]
    for name in PUBLIC[package]:
        assert getattr(module, name).__doc__, f"{package}.{name} has no docstring"


@pytest.mark.parametrize("package", PUBLIC)
def test_a_name_that_is_not_there_is_an_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nonsense'"):
        importlib.import_module(package).nonsense  # noqa: B018


def test_importing_all_packages_imports_nothing_heavy() -> None:
    program = f"import sys, {', '.join(PUBLIC)}; print(*sorted({set(HEAVY)!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
