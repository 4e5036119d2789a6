"""Job types in JSON, for the API's description.

Is: what a job type's description may contain. Is not: making or checking one: descriptions come
from the scripts as JSON text and go out unchanged, with exactly the keys their authors wrote.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import UNSET, Struct, UnsetType


class AvailableJobSettingType(StrEnum):
    """What kind of value a setting has."""

    STRING = "string"
    INT32 = "int32"
    FLOAT = "float"
    BOOL = "bool"


class AvailableJobSettingSubtype(StrEnum):
    """What a text stands for."""

    FILE_PATH = "file_path"
    DIR_PATH = "dir_path"
    FILE_NAME = "file_name"
    HASHED_FILE_PATH = "hashed_file_path"


class AvailableJobSettingVisibility(StrEnum):
    """Where a setting is shown."""

    VISIBLE = "visible"
    HIDDEN = "hidden"
    SUBMISSION = "submission"
    WEB = "web"


class AvailableJobSettingEvalInfo(
    Struct, frozen=True, kw_only=True, rename={"show_link_button": "showLinkButton"}
):
    """What people are told about a value that is computed in Blender."""

    show_link_button: bool = False
    description: str = ""


class AvailableJobSetting(Struct, frozen=True, kw_only=True, rename={"eval_info": "evalInfo"}):
    """One setting of a job type."""

    key: str
    type: AvailableJobSettingType
    subtype: AvailableJobSettingSubtype | UnsetType = UNSET
    choices: list[str] | UnsetType = UNSET
    propargs: dict[str, Any] | UnsetType = UNSET
    description: Any = UNSET
    label: Any = UNSET
    default: Any = UNSET
    eval: str | UnsetType = UNSET
    eval_info: AvailableJobSettingEvalInfo | UnsetType = UNSET
    visible: AvailableJobSettingVisibility | UnsetType = UNSET
    required: bool | UnsetType = UNSET
    editable: bool | UnsetType = UNSET


class AvailableJobType(Struct, frozen=True, kw_only=True):
    """A kind of job that can be submitted. `etag` changes whenever the rest does."""

    name: str
    label: str
    settings: list[AvailableJobSetting]
    etag: str
    description: str | UnsetType = UNSET
