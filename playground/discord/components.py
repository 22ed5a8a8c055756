"""Checks of message components, old style and Components V2.

Source: Discord's documentation, components/reference (types, limits, where each may stand).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from playground.discord.errors import form_error, required, too_long
from playground.discord.model import Json
from playground.discord.selects import SELECTS, check_select, check_text

ROW, BUTTON, TEXT_INPUT = 1, 2, 4
SECTION, TEXT_DISPLAY, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER, LABEL = 9, 10, 11, 12, 13, 14, 17, 18
TOP_LEVEL_V2 = (ROW, SECTION, TEXT_DISPLAY, GALLERY, FILE, SEPARATOR, CONTAINER)
IN_CONTAINER = (ROW, SECTION, TEXT_DISPLAY, GALLERY, FILE, SEPARATOR)
COMPONENTS_MAX = 40
TEXT_MAX = 4000
LINK_STYLE, PREMIUM_STYLE = 5, 6


def walk(components: list[Json]) -> Iterator[Json]:
    """Every component of a message or modal, parents first."""
    for component in components:
        yield component
        for key in ("components", "accessory", "component"):
            inner = component.get(key)
            if isinstance(inner, dict):
                yield from walk([inner])
            elif isinstance(inner, list):
                yield from walk(inner)


def find(components: list[Json], custom_id: str) -> Json | None:
    """The component with this custom id, or None."""
    return next((item for item in walk(components) if item.get("custom_id") == custom_id), None)


def numbered(components: list[Json]) -> list[Json]:
    """The components with the ids that Discord gives to those that have none; ids of default values become text."""
    taken = {item["id"] for item in walk(components) if item.get("id")}
    free = (number for number in range(1, 1000) if number not in taken)

    def number(component: Json) -> Json:
        result = {**component, "id": component.get("id") or next(free)}
        if component.get("default_values"):
            result["default_values"] = [{**item, "id": str(item["id"])} for item in component["default_values"]]
        for key in ("components", "accessory", "component"):
            inner = result.get(key)
            if isinstance(inner, dict):
                result[key] = number(inner)
            elif isinstance(inner, list):
                result[key] = [number(item) for item in inner]
        return result

    return [number(component) for component in components]


def check_components(components: Any, *, is_v2: bool, file_names: set[str]) -> None:
    """Refuse components that Discord would refuse (50035); `file_names` are those that the message will have."""
    if not isinstance(components, list):
        raise form_error("components", "BASE_TYPE_BAD_TYPE", "Only iterables may be used in a ListType")
    if not is_v2 and len(components) > 5:
        raise too_long("components", 5)
    allowed = TOP_LEVEL_V2 if is_v2 else (ROW,)
    for index, component in enumerate(components):
        _check(component, f"components.{index}", allowed, file_names)
    everything = list(walk(components))
    if len(everything) > COMPONENTS_MAX:
        raise too_long("components", COMPONENTS_MAX)
    texts = sum(len(item.get("content", "")) for item in everything if item["type"] == TEXT_DISPLAY)
    if texts > TEXT_MAX:
        code = "COMPONENT_MAX_TOTAL_TEXT"
        raise form_error("components", code, f"Total text of components exceeds {TEXT_MAX} characters")
    check_ids(everything, "components")


def check_ids(everything: list[Json], path: str) -> None:
    """Refuse a custom id, or a component id other than 0, that stands twice (50035)."""
    for key in ("custom_id", "id"):
        given = [item[key] for item in everything if item.get(key)]
        if len(set(given)) != len(given):
            name, what = f"COMPONENT_{key.upper()}_DUPLICATED", key.replace("_", " ")
            raise form_error(path, name, f"Component {what} cannot be duplicated")


def _check(component: Any, path: str, allowed: tuple[int, ...], file_names: set[str]) -> None:
    if not isinstance(component, dict) or component.get("type") not in allowed:
        raise form_error(f"{path}.type", "BASE_TYPE_CHOICES", f'Value of field "type" must be one of {allowed}.')
    kind = component["type"]
    if kind == ROW:
        _check_row(component, path, file_names)
    elif kind == BUTTON:
        _check_button(component, path)
    elif kind in SELECTS:
        check_select(component, path)
    elif kind == SECTION:
        _check_children(component, path, 1, 3, allowed=(TEXT_DISPLAY,), file_names=file_names)
        _check(component.get("accessory"), f"{path}.accessory", (BUTTON, THUMBNAIL), file_names)
    elif kind == TEXT_DISPLAY:
        check_text(component, "content", path, TEXT_MAX)
    elif kind == THUMBNAIL:
        _check_media(component.get("media"), f"{path}.media", file_names)
    elif kind == GALLERY:
        _check_gallery(component, path, file_names)
    elif kind == FILE:
        _check_media(component.get("file"), f"{path}.file", file_names, attachment_only=True)
    elif kind == CONTAINER:
        _check_children(component, path, 1, COMPONENTS_MAX, allowed=IN_CONTAINER, file_names=file_names)


def _check_children(
    component: Json, path: str, lowest: int, highest: int, *, allowed: tuple[int, ...], file_names: set[str]
) -> None:
    children = component.get("components")
    if not isinstance(children, list) or not lowest <= len(children) <= highest:
        message = f"Must be between {lowest} and {highest} in length."
        raise form_error(f"{path}.components", "BASE_TYPE_BAD_LENGTH", message)
    for index, child in enumerate(children):
        _check(child, f"{path}.components.{index}", allowed, file_names)


def _check_row(component: Json, path: str, file_names: set[str]) -> None:
    _check_children(component, path, 1, 5, allowed=(BUTTON, *SELECTS), file_names=file_names)
    children = component["components"]
    if any(child["type"] in SELECTS for child in children) and len(children) > 1:
        code = "COMPONENT_LAYOUT_WIDTH_EXCEEDED"
        raise form_error(f"{path}.components", code, "The specified component exceeds the maximum width")


def _check_button(component: Json, path: str) -> None:
    style = component.get("style")
    if style not in range(1, 7):
        raise form_error(f"{path}.style", "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3, 4, 5, 6).")
    if style == LINK_STYLE:
        check_text(component, "url", path, 512)
    elif style == PREMIUM_STYLE:
        check_text(component, "sku_id", path, 20)
    else:
        check_text(component, "custom_id", path, 100)
    if len(component.get("label") or "") > 80:
        raise too_long(f"{path}.label", 80)
    if style != PREMIUM_STYLE and not component.get("label") and not component.get("emoji"):
        code = "BUTTON_COMPONENT_MISSING_LABEL_OR_EMOJI"
        raise form_error(path, code, "A button must have a label or an emoji")


def _check_gallery(component: Json, path: str, file_names: set[str]) -> None:
    items = component.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= 10:
        raise form_error(f"{path}.items", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 10 in length.")
    for index, item in enumerate(items):
        _check_media(item.get("media"), f"{path}.items.{index}.media", file_names)


def _check_media(media: Any, path: str, file_names: set[str], *, attachment_only: bool = False) -> None:
    url = media.get("url") if isinstance(media, dict) else None
    if not isinstance(url, str):
        raise required(f"{path}.url")
    if url.startswith("attachment://"):
        if url.removeprefix("attachment://") not in file_names:
            code = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"
            raise form_error(path, code, f"The referenced attachment '{url}' was not found")
    elif attachment_only or not url.startswith(("http://", "https://")):
        raise form_error(f"{path}.url", "URL_TYPE_INVALID_SCHEME", "Scheme must be one of ('attachment',).")
