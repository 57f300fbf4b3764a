"""Hub-shaped folders of corpora, codecs and agents, and publishing them on a stand-in for the hub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from codec import Codec
from corpus.card import front_matter
from corpus.formats.catalogue import exporter
from corpus.formats.exporting import export
from corpus.hub import check_card, hub_kind, load_model, push, save_model
from corpus.store import Corpus
from synth.commands import formats as formats_command
from tests.support.hub_server import Hub, serve_hub
from tests.support.places import ROOT
from tests.support.tiny_corpus import contents, write_corpus

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # huggingface_hub's own call
LAPTOP = ROOT / "codec" / "weights" / "laptop.safetensors"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    constants = pytest.importorskip("huggingface_hub.constants")
    with serve_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", server.token)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
        yield server


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    pytest.importorskip("pyarrow")
    corpus = Corpus(write_corpus(tmp_path / "corpus", dialogues=2, short=True))
    return export(corpus, "huggingface", exporter("huggingface"), tmp_path / "dataset", {"licence": "CC-BY-4.0"})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(LAPTOP, tmp_path_factory.mktemp("hub") / "laptop", name="Laptop", licence="Apache-2.0")


def test_a_corpus_is_pushed_whole_and_private(hub: Hub, dataset: Path) -> None:
    (dataset / ".cache").write_text("not to be sent")
    url = push(dataset, "someone/talk", message="First hours")
    assert url == f"{hub.url}/datasets/someone/talk/commit/{'1' * 40}" or url.startswith(hub.url)
    repository = hub.repositories["someone/talk"]
    assert (repository.private, repository.kind, repository.commits) == (True, "dataset", ["First hours"])
    sent = contents(dataset)
    del sent[".cache"]
    assert repository.files == sent


def test_private_never_goes_into_a_public_repository(hub: Hub, dataset: Path) -> None:
    push(dataset, "someone/open", private=False)
    assert not hub.repositories["someone/open"].private
    with pytest.raises(ValueError, match="exists and is public"):
        push(dataset, "someone/open")
    assert len(hub.repositories["someone/open"].commits) == 1


def test_nothing_is_pushed_without_a_licence(hub: Hub, dataset: Path) -> None:
    card = dataset / "README.md"
    text = card.read_text()
    for broken in (
        text.replace('license: "cc-by-4.0"\n', ""),
        text.replace('license: "cc-by-4.0"', 'license: "unknown"'),
        text.replace('license: "cc-by-4.0"', 'license: "other"'),
        "# A card without a head\nlicense: mit\n",
    ):
        card.write_text(broken)
        with pytest.raises(ValueError, match="states no licence"):
            push(dataset, "someone/talk")
    card.write_text(front_matter({"license": "other", "license_name": "house rules"}))
    assert check_card(dataset) == "other: house rules"
    card.unlink()
    with pytest.raises(ValueError, match="write a card"):
        push(dataset, "someone/talk")
    assert hub.requests == []


def test_wrong_folders_names_and_tokens_are_told(
    hub: Hub, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="--to huggingface"):
        push(tmp_path / "corpus", "someone/talk")
    with pytest.raises(ValueError, match="neither data"):
        push(tmp_path, "someone/talk")
    with pytest.raises(ValueError, match="OWNER/NAME"):
        push(dataset, "talk")
    (dataset / "state.pt").touch()
    with pytest.raises(ValueError, match="holds a pickle"):
        push(dataset, "someone/talk")
    (dataset / "state.pt").unlink()
    assert hub.requests == []
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match="the hub refused someone/talk"):
        push(dataset, "someone/talk")
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    with pytest.raises(ValueError, match="hf auth login"):
        push(dataset, "someone/talk")


def test_an_export_whose_push_fails_says_how_to_publish_it(hub: Hub, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    corpus, out = write_corpus(tmp_path / "corpus", dialogues=2, short=True), tmp_path / "dataset"
    with pytest.raises(ValueError, match=f"OWNER/NAME.*; to publish what was exported: synth push {out} talk"):
        formats_command.export(corpus, "huggingface", out, licence="CC-BY-4.0", push="talk")
    formats_command.push(out, "someone/talk")
    assert "someone/talk" in hub.repositories


def test_a_codec_becomes_a_folder_that_loads(model: Path) -> None:
    assert hub_kind(model) == "model"
    assert check_card(model) == "apache-2.0"
    assert sorted(path.name for path in model.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    config, weights = load_model(model)
    assert config["sample_rate"] == 24_000
    assert weights.read_bytes() == LAPTOP.read_bytes()
    loaded, original = Codec.load(model), Codec.load(LAPTOP)
    assert loaded.config == original.config
    card = (model / "README.md").read_text()
    assert card.count("# Laptop\n") == 1
    assert "LibriSpeech" in card


def test_a_codec_is_pushed_as_a_model(hub: Hub, model: Path) -> None:
    push(model, "someone/laptop")
    repository = hub.repositories["someone/laptop"]
    assert (repository.kind, sorted(repository.files)) == ("model", ["README.md", "config.json", "model.safetensors"])
    assert repository.files["model.safetensors"] == LAPTOP.read_bytes()


def test_an_agent_folder_keeps_its_parts_and_gains_a_card(tmp_path: Path, model: Path) -> None:
    agent = tmp_path / "agent"
    agent.mkdir()
    for name in ("config.json", "model.safetensors"):
        (agent / name).write_bytes((model / name).read_bytes())
    for name in ("tokenizer.json", "codec.json"):
        (agent / name).write_text(json.dumps({"name": name}))
    saved = save_model(agent, tmp_path / "saved", name="Talker", licence="CC-BY-4.0", description="It talks.")
    assert contents(saved).items() >= contents(agent).items()
    assert check_card(saved) == "cc-by-4.0"
    assert (saved / "README.md").read_text().endswith("# Talker\n\nIt talks.\n")


def test_useless_models_are_refused(tmp_path: Path, model: Path) -> None:
    (tmp_path / "odd.safetensors").write_bytes(b"\xff" * 20)
    (tmp_path / "foreign.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "weights.bin").touch()
    for source, licence, message in (
        (tmp_path / "odd.safetensors", "MIT", "cannot read"),
        (tmp_path / "foreign.safetensors", "MIT", "carries no configuration"),
        (tmp_path / "agent", "MIT", "holds a pickle"),
        (tmp_path / "agent", " ", "--licence"),
    ):
        with pytest.raises(ValueError, match=message):
            save_model(source, tmp_path / "out", name="x", licence=licence)
    with pytest.raises(ValueError, match="not empty"):
        save_model(LAPTOP, model, name="x", licence="MIT")
    assert not (tmp_path / "out").exists()
