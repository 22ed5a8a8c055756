"""What people send us, without what no keyboard types."""

import re
from typing import Any

#: Control characters other than tab and line breaks, and halves of characters: PostgreSQL takes no NUL in a text, and
#: neither can be shown.
_UNTYPED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def clean(node: Any) -> Any:
    """Return an interaction's data with every text cleaned, keys included; the rest is as it was."""
    if isinstance(node, str):
        return _UNTYPED.sub("", node)
    if isinstance(node, dict):
        return {clean(key): clean(value) for key, value in node.items()}
    if isinstance(node, list):
        return [clean(value) for value in node]
    return node
