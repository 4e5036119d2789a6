"""Which value a setting gets, and what expressions may use: the part that needs no Blender."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flamenco_p2p.submit.read_scene import (
    NoValue,
    converted,
    last_n_dir_parts_of,
    worked_out,
)


def value_of(setting: dict[str, Any], **given: Any) -> Any:
    values, errors = worked_out([{"key": "it", **setting}], given, {"answer": 42})
    assert not errors
    return values["it"]


def error_of(setting: dict[str, Any], **given: Any) -> str:
    values, errors = worked_out([{"key": "it", **setting}], given, {"answer": 42})
    assert "it" not in values
    return errors["it"]


class TestWhichValueASettingGets:
    @pytest.mark.parametrize(
        "special",
        [
            {},
            {"visible": "web"},
            {"visible": "hidden"},
            {"editable": False},
            {"evalInfo": {"showLinkButton": True, "description": ""}},
        ],
    )
    def test_what_was_given_stays(self, special: dict[str, Any]) -> None:
        setting = {"type": "int32", "default": 1, "eval": "answer", **special}
        assert value_of(setting, it=7) == 7

    @pytest.mark.parametrize(
        "special",
        [
            {"visible": "web"},
            {"visible": "hidden"},
            {"editable": False},
            {"evalInfo": {"showLinkButton": True, "description": ""}},
        ],
    )
    def test_what_the_artist_does_not_enter_comes_from_the_scene(
        self, special: dict[str, Any]
    ) -> None:
        assert value_of({"type": "int32", "default": 1, "eval": "answer", **special}) == 42

    def test_a_visible_setting_keeps_a_default_that_counts(self) -> None:
        assert value_of({"type": "int32", "default": 1, "eval": "answer"}) == 1

    @pytest.mark.parametrize("default", [{}, {"default": 0}])
    def test_a_visible_setting_that_is_empty_is_filled(self, default: dict[str, int]) -> None:
        assert value_of({"type": "int32", "eval": "answer", **default}) == 42

    def test_without_expression_and_default_it_is_the_empty_value_of_its_type(self) -> None:
        empty = {kind: value_of({"type": kind}) for kind in ("string", "int32", "float", "bool")}
        assert empty == {"string": "", "int32": 0, "float": 0.0, "bool": False}
        assert type(empty["float"]) is float

    def test_of_choices_the_first_is_taken(self) -> None:
        assert value_of({"type": "string", "choices": ["EEVEE", "CYCLES"]}) == "EEVEE"


class TestSettingsThatUseEachOther:
    def test_the_order_in_the_job_type_does_not_matter(self) -> None:
        folder: dict[str, Any] = {
            "key": "folder",
            "type": "string",
            "visible": "hidden",
            "eval": "'/out'",
        }
        path: dict[str, Any] = {
            "key": "path",
            "type": "string",
            "editable": False,
            "eval": "settings.folder + '/######'",
        }
        for order in ([folder, path], [path, folder]):
            values, errors = worked_out(order, {}, {})
            assert (values["path"], errors) == ("/out/######", {})

    def test_a_circle_ends_at_the_default(self) -> None:
        a = {"key": "a", "type": "int32", "visible": "web", "default": 5, "eval": "settings.b + 1"}
        b = {"key": "b", "type": "int32", "visible": "web", "default": 0, "eval": "settings.a + 1"}
        values, errors = worked_out([a, b], {}, {})
        assert (values, errors) == ({"a": 7, "b": 6}, {})

    def test_a_typing_error_names_the_setting_that_does_not_exist(self) -> None:
        assert 'no setting "folder"' in error_of({"type": "string", "eval": "settings.folder"})

    def test_a_comprehension_sees_the_names_too(self) -> None:
        setting = {"type": "string", "eval": "','.join(str(answer + i) for i in range(2))"}
        assert value_of(setting) == "42,43"


class TestWhatGoesWrong:
    def test_one_bad_expression_leaves_the_other_settings_alone(self) -> None:
        good = {"key": "good", "type": "int32", "eval": "1 + 1"}
        bad = {"key": "bad", "type": "int32", "eval": "1 / 0"}
        values, errors = worked_out([bad, good], {}, {})
        assert values == {"good": 2}
        assert errors == {"bad": "ZeroDivisionError: division by zero."}

    @pytest.mark.parametrize(
        ("setting", "sentence"),
        [
            ({"type": "int32", "eval": "'many'"}, "'many' is not a number."),
            ({"type": "int32", "eval": "1.5"}, "1.5 is not a whole number of 32 bits."),
            ({"type": "int32", "eval": "2**31"}, "2147483648 is not a whole number of 32 bits."),
            ({"type": "float", "eval": "float('nan')"}, "nan is not a finite number."),
            ({"type": "string", "eval": "None"}, "there is no value (None)."),
            ({"type": "vector", "default": 1}, 'the job type gives it the unknown type "vector".'),
            (
                {"type": "string", "choices": ["A", "B"], "visible": "web", "eval": "'C'"},
                '"C" is not one of A, B.',
            ),
        ],
    )
    def test_a_value_of_another_kind_is_explained(
        self, setting: dict[str, Any], sentence: str
    ) -> None:
        assert sentence in error_of(setting)


def test_values_become_the_type_of_the_setting_and_stay_within_its_limits() -> None:
    assert converted({"type": "string"}, Path("/out")) == str(Path("/out"))
    assert converted({"type": "int32"}, 24.0) == 24
    assert type(converted({"type": "int32"}, 24.0)) is int
    assert type(converted({"type": "float"}, 24)) is float
    assert converted({"type": "bool"}, 1) is True
    assert converted({"type": "int32", "propargs": {"min": 0, "max": 32}}, 99) == 32
    assert converted({"type": "float", "propargs": {"min": 0.5}}, 0) == 0.5
    with pytest.raises(NoValue):
        converted({"type": "int32"}, "")


@pytest.mark.parametrize(
    ("n", "parts"),
    [(2, "path/to"), (1, "to"), (0, "."), (-1, "."), (9, "complex/path/to")],
)
def test_the_last_folders_of_a_file_are_always_relative(n: int, parts: str) -> None:
    last_n_dir_parts = last_n_dir_parts_of("/complex/path/to/shot.blend")
    assert last_n_dir_parts(n) == Path(parts)
    assert last_n_dir_parts(n, "/complex/path/to/another.blend") == Path(parts)
