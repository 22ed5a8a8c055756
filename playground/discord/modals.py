"""Modals: what a bot may open, and what a person sends back.

Source: Discord's published OpenAPI description (…ForModalRequest) and documentation, components/reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playground.discord.components import LABEL, ROW, TEXT_DISPLAY, TEXT_INPUT, check_ids, walk
from playground.discord.errors import form_error, too_long
from playground.discord.model import Json
from playground.discord.selects import (
    SELECTS,
    check_number,
    check_optional_text,
    check_options,
    check_select,
    check_text,
    check_values_range,
    values_range,
)

FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX = 19, 21, 22, 23
IN_LABEL = (*SELECTS[:1], TEXT_INPUT, *SELECTS[1:], FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX)
ROWS_MAX = 5
TITLE_MAX = LABEL_MAX = 45
INPUT_MAX = 4000
FILES_MAX = CHOICES_MAX = 10
FILE_KINDS = ("image", "video", "audio")


def check_modal(data: Json) -> None:
    """Refuse a modal that Discord would refuse (50035): title up to 45 characters, 1 to 5 rows, labels or texts."""
    check_text(data, "custom_id", "data", 100)
    check_text(data, "title", "data", TITLE_MAX)
    rows = data.get("components")
    if not isinstance(rows, list) or not 1 <= len(rows) <= ROWS_MAX:
        raise form_error("data.components", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {ROWS_MAX} in length.")
    for index, row in enumerate(rows):
        _check_row(row, f"data.components.{index}")
    check_ids(list(walk(rows)), "data.components")


def _check_row(row: Any, path: str) -> None:
    kind = row.get("type") if isinstance(row, dict) else None
    if kind == ROW:
        _check_old_row(row, path)
    elif kind == TEXT_DISPLAY:
        check_text(row, "content", path, INPUT_MAX)
    elif kind == LABEL:
        check_text(row, "label", path, LABEL_MAX)
        check_optional_text(row, "description", path, 100)
        _check_field(row.get("component"), f"{path}.component")
    else:
        raise form_error(f"{path}.type", "BASE_TYPE_CHOICES", "Value must be one of (1, 10, 18).")


def _check_old_row(row: Json, path: str) -> None:
    """A row of the older kind: one text input, with its label."""
    inputs = row.get("components")
    if not isinstance(inputs, list) or not inputs:
        raise form_error(f"{path}.components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    if len(inputs) > 1:
        code = "COMPONENT_LAYOUT_WIDTH_EXCEEDED"
        raise form_error(f"{path}.components", code, "The specified component exceeds the maximum width")
    here = f"{path}.components.0"
    if not isinstance(inputs[0], dict) or inputs[0].get("type") != TEXT_INPUT:
        raise form_error(f"{here}.type", "BASE_TYPE_CHOICES", "Value must be one of (4,).")
    check_text(inputs[0], "label", here, LABEL_MAX)
    _check_input(inputs[0], here)


def _check_field(field: Any, path: str) -> None:
    """What a label holds."""
    kind = field.get("type") if isinstance(field, dict) else None
    if kind not in IN_LABEL:
        raise form_error(f"{path}.type", "BASE_TYPE_CHOICES", f"Value must be one of {IN_LABEL}.")
    check_text(field, "custom_id", path, 100)
    if kind in SELECTS:
        check_select(field, path)
        if field.get("disabled"):
            raise form_error(f"{path}.disabled", "COMPONENT_DISABLED_IN_MODAL", "Modal components cannot be disabled")
        _check_required(field, path)
    else:
        CHECKS[kind](field, path)


def _check_required(field: Json, path: str) -> None:
    """A required field takes at least one value."""
    if field.get("required") in (None, True) and values_range(field)[0] == 0:
        message = "min_values must be at least 1 when the component is required"
        raise form_error(f"{path}.min_values", "COMPONENT_MIN_VALUES_REQUIRED", message)


def _check_input(field: Json, path: str) -> None:
    check_text(field, "custom_id", path, 100)
    if field.get("style") not in (1, 2):
        raise form_error(f"{path}.style", "BASE_TYPE_CHOICES", "Value must be one of (1, 2).")
    check_optional_text(field, "value", path, INPUT_MAX)
    check_optional_text(field, "placeholder", path, 100)
    check_optional_text(field, "label", path, LABEL_MAX)
    check_number(field, "min_length", path, (0, INPUT_MAX))
    check_number(field, "max_length", path, (1, INPUT_MAX))
    lowest, highest = field.get("min_length") or 0, field.get("max_length") or INPUT_MAX
    if lowest > highest:
        raise form_error(path, "TEXT_INPUT_LENGTH_RANGE_INVALID", "min_length is greater than max_length")
    if field.get("value") and len(field["value"]) > highest:
        raise too_long(f"{path}.value", highest)


def _check_upload(field: Json, path: str) -> None:
    check_values_range(field, path, FILES_MAX)
    _check_required(field, path)
    kinds = field.get("file_types") or []
    if len(kinds) > 10 or not all(kind in FILE_KINDS or str(kind).startswith(".") for kind in kinds):
        raise form_error(f"{path}.file_types", "FILE_TYPES_INVALID", "File types are image, video, audio or .extension")


def _check_radio(field: Json, path: str) -> None:
    if len(check_options(field, path, (2, CHOICES_MAX))) > 1:
        raise form_error(path, "COMPONENT_SELECT_DEFAULTS_MAX", "A radio group has one default at most")


def _check_group(field: Json, path: str) -> None:
    chosen = check_options(field, path, (1, CHOICES_MAX))
    check_values_range(field, path, CHOICES_MAX, len(field["options"]))
    _check_required(field, path)
    if len(chosen) > values_range(field, len(field["options"]))[1]:
        raise form_error(path, "COMPONENT_SELECT_DEFAULTS_MAX", "More defaults than values may be chosen")


def _check_box(field: Json, path: str) -> None:
    if not isinstance(field.get("default"), bool | None):
        raise form_error(f"{path}.default", "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")


CHECKS: dict[int, Callable[[Json, str], None]] = {
    TEXT_INPUT: _check_input,
    FILE_UPLOAD: _check_upload,
    RADIO_GROUP: _check_radio,
    CHECKBOX_GROUP: _check_group,
    CHECKBOX: _check_box,
}
