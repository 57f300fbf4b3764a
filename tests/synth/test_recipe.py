"""Recipes: strict, with defaults that the shipped file states, and errors that name the nearest valid key."""

from __future__ import annotations

from pathlib import Path

import pytest

from synth.recipe import CorpusRecipe, load_recipe, parse_recipe, taken_up
from tests.support.places import DATASETS


def test_the_shipped_recipe_states_every_default() -> None:
    shipped = load_recipe(DATASETS / "everyday.toml")
    assert shipped.model_dump(exclude={"description"}) == CorpusRecipe(engine="piper").model_dump(
        exclude={"description"}
    )
    assert shipped.model_fields_set == set(CorpusRecipe.model_fields)


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted(DATASETS.glob("*.toml"))
        if not path.stem.startswith(("agent-", "codec-", "ear", "listener"))
    ],
    ids=lambda path: path.stem,
)
def test_every_shipped_recipe_loads(path: Path) -> None:
    assert load_recipe(path).name == path.stem


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"timming": "fisher"}, "unknown key 'timming'; did you mean 'timing'?"),
        ({"behaviours": {"interuptions": 0.1}}, "unknown key 'behaviours.interuptions'; did you mean 'interruptions'?"),
        ({"timing": "fischer"}, "unknown timing preset 'fischer'; did you mean 'fisher'?"),
        ({"topics": {"smalltalk": 1}}, "unknown topic 'smalltalk'; did you mean 'small_talk'?"),
        ({"topics": {"story": -1}}, "topics.story must not be negative"),
        ({"topics": {"story": 0}}, "at least one family"),
        ({"behaviours": {"repairs": 1.5}}, "behaviours.repairs: Input should be less than or equal to 1"),
        ({"length": {"shortest": 500, "longest": 100}}, "length.shortest must not exceed length.longest"),
        ({"acoustics": {"gain_db": [3, -3]}}, "acoustics.gain_db must be [lowest, highest]"),
        ({"name": "a b"}, "name: String should match pattern"),
        ({"store": {"shard_dialogues": 0}}, "store.shard_dialogues: Input should be greater than or equal to 1"),
    ],
)
def test_mistakes_are_told_in_one_line(content: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=r"^mine\.toml: ") as error:
        parse_recipe(content, "mine.toml")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe", b"[a]\n[a]"])
def test_files_that_are_no_toml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.toml"):
        load_recipe(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot read the recipe"):
        load_recipe(tmp_path / "none.toml")


def test_the_digest_changes_with_any_value() -> None:
    assert CorpusRecipe().digest() == CorpusRecipe().digest() != CorpusRecipe(timing="candor").digest()


def test_a_corpus_begun_with_older_defaults_goes_on_with_them() -> None:
    old = parse_recipe({"length": {"shortest": 150, "longest": 450}, "engine": "piper"}).model_dump(mode="json")
    same = taken_up(parse_recipe({"engine": "piper"}), old)
    assert same.model_dump(mode="json") == old
    assert taken_up(parse_recipe({"length": {"shortest": 150}}), old).length.longest == 450
    stated = parse_recipe({"length": {"longest": 600}})
    assert taken_up(stated, old) == stated, "what is asked for is not passed over: the writer will refuse it"
    assert taken_up(parse_recipe({"topics": {"story": 1}}), old).topics == {"story": 1}


def there(folder: Path) -> dict[str, object]:
    """A recipe that names an engine's file, a folder of voices and a model, all in a folder."""
    (folder / "voices" / "clips").mkdir(parents=True)
    (folder / "engine.toml").write_text("name = 'x'")
    (folder / "voices" / "voices.toml").write_text("[[voice]]")
    (folder / "voices" / "clips" / "a.wav").write_bytes(b"sound")
    (folder / "tiny.gguf").write_bytes(b"GGUF")
    (folder / "passages.txt").write_text("A passage about birds in a garden.")
    return {
        "engine": f"piper:{folder / 'engine.toml'}",
        "voices": {"folders": [str(folder / "voices")]},
        "writer": {"use": f"gguf:{folder / 'tiny.gguf'}", "passages": str(folder / "passages.txt")},
        "quality": {"gates": ["rate"], "fallback": f"worker:{folder / 'engine.toml'}"},
    }


def test_the_same_order_in_another_folder_is_the_same_recipe(tmp_path: Path) -> None:
    one, other = (parse_recipe(there(tmp_path / name)) for name in ("here", "there"))
    stored = one.model_dump(mode="json")
    assert stored == other.model_dump(mode="json")
    assert str(tmp_path) not in str(stored)
    assert one.digest() == other.digest()
    assert other.engine == f"piper:{tmp_path}/there/engine.toml"
    assert taken_up(other, stored) == other
    for changed in ("engine.toml", "voices/clips/a.wav", "voices/voices.toml", "tiny.gguf"):
        path = tmp_path / "there" / changed
        was = path.read_bytes()
        path.write_bytes(was + b" ")
        assert other.digest() != one.digest(), changed
        path.write_bytes(was)
    (tmp_path / "there" / "voices" / "index.json").write_text("{}")  # by what its voices are found, not how they sound
    assert other.digest() == one.digest()


def test_a_folder_of_weights_is_known_by_what_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synth.content.BIG", 8)
    monkeypatch.setattr("synth.content.ENDS", 2)
    names = []
    for folder, weights in (("a", b"12middle34"), ("b", b"12middle34"), ("c", b"12middle35")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text("{}")
        (tmp_path / folder / "model.safetensors").write_bytes(weights)
        names.append(parse_recipe({"writer": {"use": f"transformers:{tmp_path / folder}"}}).digest())
    assert names[0] == names[1] != names[2]
    assert "org/name" in str(parse_recipe({"writer": {"use": "transformers:org/name"}}).model_dump())


def test_a_corpus_that_named_its_files_by_path_goes_on(tmp_path: Path) -> None:
    recipe = parse_recipe(there(tmp_path / "here"))
    older = recipe.model_copy()
    older._by_path = True
    stored = older.model_dump(mode="json")
    assert stored["engine"] == f"piper:{tmp_path}/here/engine.toml"
    assert stored["voices"]["folders"] == [f"{tmp_path}/here/voices"]
    assert taken_up(recipe, stored).model_dump(mode="json") == stored


def test_a_file_that_is_missing_is_named_in_one_plain_line() -> None:
    recipe = CorpusRecipe.model_validate({"writer": {"use": "scripts:nowhere.jsonl"}})
    with pytest.raises(ValueError, match=r"^cannot read the scripts nowhere\.jsonl: "):
        recipe.digest()
