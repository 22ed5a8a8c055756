"""What a person sends back from a modal: every field by its custom id, checked as Discord's app checks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from playground.discord.components import TEXT_INPUT, find
from playground.discord.errors import ClientRefusal
from playground.discord.modals import CHECKBOX, CHECKBOX_GROUP, FILE_UPLOAD, INPUT_MAX, RADIO_GROUP
from playground.discord.model import Json
from playground.discord.resolving import File, Resolver
from playground.discord.selects import SELECTS, STRING_SELECT, values_range

Given = Mapping[str, File | Sequence[File]]
"""Files by a modal's field: one, or several."""


def modal_data(resolver: Resolver, modal: Json, values: Mapping[str, Any], files: Given) -> Json:
    """`data` of a filled modal; fields that `values` leaves out keep what the bot preset.

    Raises: ClientRefusal for a field that there is not, or for what the app would not send.
    """
    for name in (*values, *files):
        if find(modal["components"], name) is None:
            raise ClientRefusal(f"the modal has no field {name!r}")
    form = _Form(resolver, values, files)
    rows = [form.fill(row) for row in modal["components"]]
    return {"custom_id": modal["custom_id"], "components": rows, **form.resolver.data()}


class _Form:
    """The modal while it is filled in."""

    def __init__(self, resolver: Resolver, values: Mapping[str, Any], files: Given) -> None:
        self.resolver = resolver
        self._values = values
        self._files = files

    def fill(self, component: Json) -> Json:
        """A component as it is sent: types, ids and values; texts and labels stay behind."""
        result: Json = {"type": component["type"], "id": component["id"]}
        if isinstance(component.get("component"), dict):
            result["component"] = self.fill(component["component"])
        if isinstance(component.get("components"), list):
            result["components"] = [self.fill(item) for item in component["components"]]
        if "custom_id" in component:
            result |= {"custom_id": component["custom_id"], **self._value(component)}
        return result

    def _value(self, field: Json) -> Json:
        kind, name = field["type"], field["custom_id"]
        given = self._values.get(name)
        if kind == TEXT_INPUT:
            return {"value": _text(field, given)}
        if kind == FILE_UPLOAD:
            return {"values": self._upload(field)}
        if kind in SELECTS:
            return {"values": self._select(field, given)}
        if kind == RADIO_GROUP:
            return {"value": _radio(field, given if name in self._values else _preset(field))}
        if kind == CHECKBOX_GROUP:
            return {"values": _group(field, given)}
        if kind == CHECKBOX:
            return {"value": bool(field.get("default", False)) if given is None else _flag(name, given)}
        raise ClientRefusal(f"{name!r} is of a kind that no modal has")

    def _upload(self, field: Json) -> list[str]:
        given: Any = self._files.get(field["custom_id"], [])
        several = [given] if isinstance(given, tuple) else list(given)
        least, most = _least(field, several), values_range(field)[1]
        if not least <= len(several) <= most:
            raise ClientRefusal(f"{field['custom_id']!r} takes {least} to {most} files")
        return [self.resolver.upload(item, field.get("file_types")) for item in several]

    def _select(self, field: Json, given: Any) -> list[str]:
        if given is None:
            given = self._preset_values(field)
        if not isinstance(given, list):
            raise ClientRefusal(f"{field['custom_id']!r} takes a list of values")
        return self.resolver.chosen(field, given, lowest=_least(field, given))

    def _preset_values(self, field: Json) -> list[str]:
        """What is chosen from the start; people, roles and channels that are gone are not."""
        if field["type"] == STRING_SELECT:
            return [option["value"] for option in field["options"] if option.get("default")]
        presets = field.get("default_values") or []
        return [item["id"] for item in presets if self.resolver.knows(item["type"], item["id"])]


def _least(field: Json, given: Sequence[Any]) -> int:
    """How many values must come: none when nothing has to be given and nothing is."""
    return 0 if field.get("required") is False and not given else values_range(field)[0]


def _text(field: Json, given: Any) -> str:
    text = str(field.get("value") or "") if given is None else given
    if not isinstance(text, str):
        raise ClientRefusal(f"{field['custom_id']!r} takes text")
    lowest, highest = field.get("min_length") or 0, field.get("max_length") or INPUT_MAX
    if not text and field.get("required") is False:
        return text
    if not text or not lowest <= len(text) <= highest:
        raise ClientRefusal(f"{field['custom_id']!r} must be {max(lowest, 1)} to {highest} characters")
    return text


def _preset(field: Json) -> str | None:
    return next((option["value"] for option in field["options"] if option.get("default")), None)


def _radio(field: Json, value: Any) -> str | None:
    offered = [option["value"] for option in field["options"]]
    if value is None and field.get("required") is False:
        return None
    if value not in offered:
        raise ClientRefusal(f"{field['custom_id']!r} offers {', '.join(offered)}")
    return str(value)


def _group(field: Json, given: Any) -> list[str]:
    offered = [option["value"] for option in field["options"]]
    if given is None:
        given = [option["value"] for option in field["options"] if option.get("default")]
    least, most = _least(field, given), values_range(field, len(offered))[1]
    if not set(offered).issuperset(given) or not least <= len(set(given)) <= most:
        raise ClientRefusal(f"{field['custom_id']!r} takes {least} to {most} of {', '.join(offered)}")
    return [value for value in offered if value in given]


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ClientRefusal(f"{name!r} takes true or false")
    return value
