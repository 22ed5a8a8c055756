"""A sentence in the forms that its language has for numbers (gettext manual, Additional functions for plural forms).

In a catalogue a sentence with forms is a plural entry. Its `msgid_plural` names the placeholder whose number decides:

    msgid "spec.references"
    msgid_plural "count"
    msgstr[0] "{count} reference"
    msgstr[1] "{count} references"

Which form goes with which number is what the header's `Plural-Forms` says, as in every gettext catalogue.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from gettext import c2py

#: Returns which form goes with a number, counted from 0.
PluralRule = Callable[[int], int]

_PLURAL_FORMS = re.compile(r"\s*nplurals\s*=\s*(\d+)\s*;\s*plural\s*=\s*(.+?)\s*;?\s*")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One text, or one for each form; with forms `decided_by` names the placeholder that chooses among them."""

    forms: tuple[str, ...]
    decided_by: str = ""

    def changed(self, change: Callable[[str], str]) -> "Sentence":
        """Return the sentence with every form changed."""
        return replace(self, forms=tuple(map(change, self.forms)))

    def form(self, rule: PluralRule, params: Mapping[str, object]) -> str:
        """Return the form for what is filled in.

        Raises:
            KeyError: the placeholder that decides was not given.
            TypeError: it is no whole number.
        """
        if not self.decided_by:
            return self.forms[0]
        number = params[self.decided_by]
        if not isinstance(number, int):
            raise TypeError(f"{self.decided_by} decides on a form and must be a whole number: {number!r}")
        return self.forms[rule(abs(number))]


def read_rule(header: str) -> tuple[int, PluralRule]:
    """Read a `Plural-Forms` header: how many forms there are, and which goes with a number.

    Raises:
        ValueError: it is none.
    """
    found = _PLURAL_FORMS.fullmatch(header)
    if found is None:
        raise ValueError(f"not a Plural-Forms header: {header!r}")
    return int(found[1]), c2py(found[2])
