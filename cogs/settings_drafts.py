"""What was typed into a settings modal and refused, kept for a while so that it need not be typed again."""

import secrets
from collections import OrderedDict
from collections.abc import Mapping

from cogs.settings_fields import FormValue

MOST_DRAFTS = 200
TOKEN_BYTES = 6

Draft = Mapping[str, FormValue]


class Drafts:
    """The newest drafts of this process, by a token that stands in a button's id; a restart forgets them."""

    def __init__(self) -> None:
        self._drafts: OrderedDict[str, Draft] = OrderedDict()

    def keep(self, draft: Draft) -> str:
        """Keep what was typed, by field. Returns its token; the oldest draft gives way."""
        token = secrets.token_hex(TOKEN_BYTES)
        self._drafts[token] = draft
        while len(self._drafts) > MOST_DRAFTS:
            self._drafts.popitem(last=False)
        return token

    def find(self, token: str) -> Draft:
        """Return a draft, an empty one where it is forgotten."""
        return self._drafts.get(token, {})
