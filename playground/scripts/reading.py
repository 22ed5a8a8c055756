"""Reading Discord's message payloads as a person would: texts, clips, buttons, fields of forms."""

import json
import re
from typing import Any

Json = dict[str, Any]
EPHEMERAL, LOADING = 1 << 6, 1 << 7
TEXT_KEYS = ("content", "title", "description", "name", "value", "label", "text")
NESTED_KEYS = ("embeds", "fields", "components", "component", "accessory", "footer", "options")


def text_of(message: Json | None) -> str:
    """All that a reader sees of a message, as one line; files by their names."""
    if message is None:
        return ""
    files = [attachment["filename"] for attachment in message.get("attachments", [])]
    return " ".join([*_strings(message), *files]).replace("\n", " ")


def _strings(node: Any) -> list[str]:
    if isinstance(node, list):
        return [text for child in node for text in _strings(child)]
    if not isinstance(node, dict):
        return []
    own = [node[key] for key in TEXT_KEYS if isinstance(node.get(key), str)]
    inner = [text for key in NESTED_KEYS for text in _strings(node.get(key))]
    return [text for text in [*own, *inner] if text]


def clip_url(message: Json) -> str:
    """The address of a message's MP4, attached or shown; empty when it has none."""
    for attachment in message.get("attachments", []):
        if attachment["filename"].endswith(".mp4"):
            return str(attachment["url"])
    found = re.search(r'"(http[^"]+\.mp4[^"]*)"', json.dumps(message.get("components", [])))
    return found.group(1) if found else ""


def is_private(message: Json) -> bool:
    """Whether only its reader sees a message."""
    return bool(message["flags"] & EPHEMERAL)


def is_filled(message: Json) -> bool:
    """Whether a message is more than Discord's "is thinking"."""
    return not message["flags"] & LOADING


def components_of(node: Any) -> list[Json]:
    """Every component of a message or a modal that has a custom id, in order."""
    found: list[Json] = []
    waiting = [node]
    while waiting:
        item = waiting.pop(0)
        if "custom_id" in item and "type" in item:
            found.append(item)
        inner = [item["component"]] if isinstance(item.get("component"), dict) else []
        waiting = [*inner, *item.get("components", []), *waiting]
    return found


def button(message: Json | None, label: str) -> str:
    """The custom id of the button with this label; empty when the message has none."""
    found = [item for item in components_of(message or {}) if item.get("label") == label]
    return str(found[0]["custom_id"]) if found else ""


def labels(message: Json | None) -> list[str]:
    """What a message's buttons say."""
    return [item["label"] for item in components_of(message or {}) if item.get("label")]


def field(modal: Json, name: str) -> str:
    """The custom id of a form's field, by the part before its first colon. Raises: KeyError when there is none."""
    for item in components_of(modal):
        if item["custom_id"].partition(":")[0] == name:
            return str(item["custom_id"])
    raise KeyError(name)


def job_of(message: Json | None) -> str:
    """The id of the job that a card or a clip is about; empty when there is none."""
    found = re.search(r"\b[0-9A-HJKMNP-TV-Z]{12}\b", text_of(message))
    return found.group(0) if found else ""
