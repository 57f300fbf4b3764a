"""Strict tables: types as written, the nearest key, one line with the file's name for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, model_validator

from corpus.strict import Strict, keys_at, load_json, load_lines, load_toml, parse


class Inner(Strict):
    rank: int = Field(default=1, ge=1)
    span: tuple[float, float] = (0.0, 1.0)


class Outer(Strict):
    name: str
    rate: float = Field(default=0.5, ge=0)
    on: bool = False
    inner: Inner = Inner()
    many: tuple[Inner, ...] = ()
    by_name: dict[str, Inner] = Field(default_factory=dict)
    maybe: Inner | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Outer:
        if self.on and self.rate == 0:
            raise ValueError("on needs a rate above zero")
        return self


def test_tables_as_files_have_them() -> None:
    found = parse({"name": "a", "rate": 1, "inner": {"span": [1, 2.5]}, "many": [{}, {"rank": 3}]}, Outer)
    assert found == Outer(name="a", rate=1.0, inner=Inner(span=(1.0, 2.5)), many=(Inner(), Inner(rank=3)))
    assert isinstance(found.rate, float)
    with pytest.raises(ValueError, match="frozen"):
        found.rate = 2.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"nam": "a"}, "name is missing; unknown key 'nam'; did you mean 'name'?"),
        ({"name": "a", "inner": {"rnk": 2}}, "unknown key 'inner.rnk'; did you mean 'rank'?"),
        ({"name": "a", "many": [{}, {"spam": 2}]}, "unknown key 'many.1.spam'; did you mean 'span'?"),
        ({"name": "a", "by_name": {"x": {"zzz": 2}}}, "unknown key 'by_name.x.zzz'; valid: rank, span"),
        ({"name": "a", "maybe": {"rnk": 2}}, "unknown key 'maybe.rnk'; did you mean 'rank'?"),
        ({"name": "a", "rate": "0.5"}, "rate: Input should be a valid number, got '0.5'"),
        ({"name": "a", "rate": True}, "rate: Input should be a valid number, got True"),
        ({"name": "a", "rate": float("nan")}, "rate: Input should be a finite number, got nan"),
        ({"name": "a", "rate": -1}, "rate: Input should be greater than or equal to 0, got -1"),
        ({"name": "a", "on": 1}, "on: Input should be a valid boolean, got 1"),
        ({"name": "a", "inner": {"rank": 2.5}}, "inner.rank: Input should be a valid integer"),
        ({"name": "a", "inner": {"span": [1]}}, "inner.span.1 is missing"),
        ({"name": 5}, "name: Input should be a valid string, got 5"),
        ({"name": "a", "on": True, "rate": 0}, "on needs a rate above zero"),
        ([], "Input should be an object"),
    ],
)
def test_mistakes_are_told_in_one_line(content: object, message: str) -> None:
    with pytest.raises(ValueError, match=r"^mine\.toml: ") as error:
        parse(content, Outer, "mine.toml")
    assert str(error.value).startswith(f"mine.toml: {message}")
    assert "\n" not in str(error.value)


def test_made_and_changed_in_the_program_they_are_as_strict() -> None:
    table = Outer(name="a", rate=0.0)
    assert table.changed(rate=2.0) == Outer(name="a", rate=2.0)
    assert table.changed(name="b").model_fields_set == {"name", "rate"}
    for change, message in (
        ({"rate": -1.0}, "rate: "),
        ({"rat": 1}, "did you mean 'rate'"),
        ({"on": True}, "on needs"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            table.changed(**change)
        assert "\n" not in str(error.value)


def test_many_mistakes_are_one_line() -> None:
    with pytest.raises(ValueError, match=r"\(and 2 more\)") as error:
        parse({f"x{number}": 1 for number in range(4)}, Outer, "mine.toml")
    assert str(error.value).count("unknown key") == 2  # and the missing name


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b'\xef\xbb\xbfname = "a"')  # as Notepad writes it
    assert load_toml(path, Outer).name == "a"
    path.write_bytes(b'\xef\xbb\xbf{"name": "a"}')
    assert load_json(path, Outer).name == "a"
    path.write_bytes(b'\xef\xbb\xbf{"name": "a"}\n\n{"name": 1}')
    with pytest.raises(ValueError, match=r"a\.toml:3: name: "):
        list(load_lines(path, Outer))
    for content in (b"name = ", b"\xff\xfe", b"[a]\n[a]"):
        path.write_bytes(content)
        for load in (load_toml, load_json):
            with pytest.raises(ValueError, match=r"a\.toml") as error:
                load(path, Outer)
            assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match=r"cannot read the recipe .*none"):
        load_toml(tmp_path / "none", Outer, "recipe")


def test_keys_are_found_through_every_container() -> None:
    assert keys_at(Outer, ()) == list(Outer.model_fields)
    for place in (("inner",), ("many", 3), ("by_name", "x"), ("maybe",)):
        assert keys_at(Outer, place) == ["rank", "span"]
    assert keys_at(Outer, ("name",)) == keys_at(Outer, ("inner", "span")) == keys_at(Outer, ("none", "x")) == []
