"""Checks of selects, in messages and in modals, and of the choices that other fields offer.

Source: Discord's published OpenAPI description and documentation, components/reference (selects, option structure).
"""

from __future__ import annotations

from typing import Any

from playground.discord.errors import form_error, required, too_long
from playground.discord.model import Json

STRING_SELECT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT = 3, 5, 6, 7, 8
ENTITY_SELECTS = (USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT)
SELECTS = (STRING_SELECT, *ENTITY_SELECTS)
VALUES_MAX = 25
DEFAULT_KINDS = {
    USER_SELECT: ("user",),
    ROLE_SELECT: ("role",),
    MENTIONABLE_SELECT: ("user", "role"),
    CHANNEL_SELECT: ("channel",),
}


def check_text(component: Json, key: str, path: str, limit: int) -> None:
    """Refuse a text that is not there or longer than `limit` characters."""
    value = component.get(key)
    if not isinstance(value, str) or not value:
        raise required(f"{path}.{key}")
    if len(value) > limit:
        raise too_long(f"{path}.{key}", limit)


def check_optional_text(component: Json, key: str, path: str, limit: int) -> None:
    """Refuse a text that is there and is longer than `limit` characters, or no text."""
    value = component.get(key)
    if value is not None and not isinstance(value, str):
        raise form_error(f"{path}.{key}", "STRING_TYPE_CONVERT", "Could not interpret value as string.")
    if value is not None and len(value) > limit:
        raise too_long(f"{path}.{key}", limit)


def check_number(component: Json, key: str, path: str, limits: tuple[int, int]) -> None:
    """Refuse a number that is there and outside its limits, both included."""
    value = component.get(key)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise form_error(f"{path}.{key}", "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
    lowest, highest = limits
    if value < lowest:
        message = f"int value should be greater than or equal to {lowest}."
        raise form_error(f"{path}.{key}", "NUMBER_TYPE_MIN", message)
    if value > highest:
        raise form_error(f"{path}.{key}", "NUMBER_TYPE_MAX", f"int value should be less than or equal to {highest}.")


def values_range(component: Json, most: int = 1) -> tuple[int, int]:
    """How many values one may give; 1 to `most` where the component does not say."""
    lowest, highest = component.get("min_values"), component.get("max_values")
    return 1 if lowest is None else lowest, most if highest is None else highest


def check_values_range(component: Json, path: str, limit: int, most: int = 1) -> None:
    """Refuse counts outside 0 (or 1) to `limit`, or crossed; `most` is the maximum where the component does not say."""
    check_number(component, "min_values", path, (0, limit))
    check_number(component, "max_values", path, (1, limit))
    lowest, highest = values_range(component, most)
    if lowest > highest:
        message = "The minimum number of values is greater than the maximum"
        raise form_error(path, "COMPONENT_VALUES_RANGE_INVALID", message)


def check_options(component: Json, path: str, limits: tuple[int, int]) -> list[Json]:
    """Refuse options that are too few, too many, doubled, or badly worded; returns those chosen from the start."""
    options: Any = component.get("options")
    lowest, highest = limits
    if not isinstance(options, list) or not lowest <= len(options) <= highest:
        message = f"Must be between {lowest} and {highest} in length."
        raise form_error(f"{path}.options", "BASE_TYPE_BAD_LENGTH", message)
    for index, option in enumerate(options):
        here = f"{path}.options.{index}"
        if not isinstance(option, dict):
            raise form_error(here, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        check_text(option, "label", here, 100)
        check_text(option, "value", here, 100)
        check_optional_text(option, "description", here, 100)
        if any(option["value"] == other["value"] for other in options[:index]):
            code = "COMPONENT_OPTION_VALUE_DUPLICATED"
            raise form_error(f"{here}.value", code, "The specified option value is already used")
    return [option for option in options if option.get("default")]


def check_select(component: Json, path: str) -> None:
    """Refuse a select that Discord would refuse."""
    check_text(component, "custom_id", path, 100)
    check_optional_text(component, "placeholder", path, 150)
    check_values_range(component, path, VALUES_MAX)
    most = values_range(component)[1]
    if component["type"] == STRING_SELECT:
        chosen = check_options(component, path, (most, VALUES_MAX))
    else:
        chosen = _check_defaults(component, path)
    if len(chosen) > most:
        code = "COMPONENT_SELECT_DEFAULTS_MAX"
        raise form_error(path, code, "Select component exceeds its maximum number of default values")


def _check_defaults(component: Json, path: str) -> list[Json]:
    """The default values of a select of people, roles or channels, each of a kind that it offers."""
    chosen: Any = component.get("default_values") or []
    kinds = DEFAULT_KINDS[component["type"]]
    if not isinstance(chosen, list) or len(chosen) > VALUES_MAX:
        raise too_long(f"{path}.default_values", VALUES_MAX)
    for index, item in enumerate(chosen):
        here = f"{path}.default_values.{index}"
        if not isinstance(item, dict) or item.get("type") not in kinds:
            raise form_error(f"{here}.type", "BASE_TYPE_CHOICES", f"Value must be one of {kinds}.")
        if not str(item.get("id", "")).isdecimal():
            raise form_error(f"{here}.id", "NUMBER_TYPE_COERCE", f'Value "{item.get("id")}" is not snowflake.')
    return chosen
