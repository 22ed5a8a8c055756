"""Checks of the body of a message that the bot sends or edits.

Source: Discord's documentation, resources/message (create message, embed limits, allowed mentions).
"""

from __future__ import annotations

from typing import Any

from playground.discord.components import check_components
from playground.discord.errors import ApiError, form_error, too_long
from playground.discord.model import Json, MessageFlag

CONTENT_MAX = 2000
EMBEDS_MAX = 10
EMBED_CHARACTERS_MAX = 6000
ATTACHMENTS_MAX = 10
NONCE_MAX = 25
EMBED_TEXTS = {"title": 256, "description": 4096}
SETTABLE_FLAGS = (
    MessageFlag.SUPPRESS_EMBEDS
    | MessageFlag.SUPPRESS_NOTIFICATIONS
    | MessageFlag.IS_COMPONENTS_V2
    | MessageFlag.EPHEMERAL
)


def check_body(body: Json, *, flags: int, file_names: list[str]) -> None:
    """Refuse fields over their limits; `flags` and `file_names` are those that the message will have."""
    content = body.get("content")
    if content is not None and not isinstance(content, str):
        raise form_error("content", "STRING_TYPE_CONVERT", "Could not interpret value as string.")
    if content and len(content) > CONTENT_MAX:
        raise too_long("content", CONTENT_MAX)
    _check_embeds(body.get("embeds") or [])
    if len(file_names) > ATTACHMENTS_MAX:
        raise ApiError(400, 30015, "Maximum number of attachments in a message reached (10)")
    is_v2 = bool(flags & MessageFlag.IS_COMPONENTS_V2)
    check_components(body.get("components") or [], is_v2=is_v2, file_names=set(file_names))
    if is_v2:
        for key in ("content", "embeds", "poll", "sticker_ids"):
            if body.get(key):
                code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
                raise form_error(
                    key, code, f"The '{key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
                )
    _check_mentions(body.get("allowed_mentions"))


def read_flags(body: Json) -> int:
    """The flags of the body, of those that a bot may set."""
    flags = body.get("flags")
    if flags is None:
        return 0
    if not isinstance(flags, int):
        raise form_error("flags", "NUMBER_TYPE_COERCE", "Value is not int.")
    return flags & int(SETTABLE_FLAGS)


def read_nonce(body: Json) -> str | int | None:
    """The nonce, at most 25 characters."""
    nonce = body.get("nonce")
    if nonce is None:
        return None
    if isinstance(nonce, bool) or not isinstance(nonce, str | int):
        raise form_error("nonce", "BASE_TYPE_BAD_TYPE", "Only values of type string or integer are allowed")
    if len(str(nonce)) > NONCE_MAX:
        raise too_long("nonce", NONCE_MAX)
    return nonce


def _check_embeds(embeds: Any) -> None:
    if not isinstance(embeds, list) or len(embeds) > EMBEDS_MAX:
        raise too_long("embeds", EMBEDS_MAX)
    total = sum(_check_embed(embed, f"embeds.{index}") for index, embed in enumerate(embeds))
    if total > EMBED_CHARACTERS_MAX:
        code = "MAX_EMBED_SIZE_EXCEEDED"
        raise form_error("embeds", code, f"Embed size exceeds maximum size of {EMBED_CHARACTERS_MAX}")


def _check_embed(embed: Any, path: str) -> int:
    """Characters of one embed that count towards the total."""
    if not isinstance(embed, dict):
        raise form_error(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
    texts = [(key, embed.get(key), limit) for key, limit in EMBED_TEXTS.items()]
    texts.append(("footer.text", (embed.get("footer") or {}).get("text"), 2048))
    texts.append(("author.name", (embed.get("author") or {}).get("name"), 256))
    fields = embed.get("fields") or []
    if len(fields) > 25:
        raise too_long(f"{path}.fields", 25)
    for index, item in enumerate(fields):
        for key, limit in (("name", 256), ("value", 1024)):
            if not item.get(key):
                raise form_error(f"{path}.fields.{index}.{key}", "BASE_TYPE_REQUIRED", "This field is required")
            texts.append((f"fields.{index}.{key}", item[key], limit))
    for key, text, limit in texts:
        if text and len(text) > limit:
            raise too_long(f"{path}.{key}", limit)
    return sum(len(text) for _, text, _ in texts if text)


def _check_mentions(policy: Any) -> None:
    if policy is None:
        return
    if not isinstance(policy, dict):
        raise form_error("allowed_mentions", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
    parse = policy.get("parse") or []
    for index, kind in enumerate(parse):
        if kind not in ("roles", "users", "everyone"):
            path = f"allowed_mentions.parse.{index}"
            raise form_error(path, "BASE_TYPE_CHOICES", "Value must be one of ('roles', 'users', 'everyone').")
    for key in ("users", "roles"):
        if policy.get(key) and key in parse:
            code = "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"
            raise form_error("allowed_mentions", code, f'parse:["{key}"] and {key}: [ids...] are mutually exclusive.')
