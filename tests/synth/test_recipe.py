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
    [path for path in sorted(DATASETS.glob("*.toml")) if not path.stem.startswith(("agent-", "codec-", "listener"))],
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
