"""Commands as Discord shows them to somebody who uses it in another language."""

from typing import Any


def in_language(node: Any, locale: str) -> Any:
    """Commands with `shown`, the name in a person's language, beside the name that is sent; descriptions in it too."""
    if isinstance(node, list):
        return [in_language(item, locale) for item in node]
    if not isinstance(node, dict):
        return node
    names, descriptions = (node.get(f"{key}_localizations") or {} for key in ("name", "description"))
    told = {key: in_language(value, locale) for key, value in node.items() if not key.endswith("_localizations")}
    if "name" in node:
        told["shown"] = names.get(locale, node["name"])
    if "description" in node:
        told["description"] = descriptions.get(locale, node["description"])
    return told
