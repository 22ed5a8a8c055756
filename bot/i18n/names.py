"""What commands and options are called in a language, and naming them so in its sentences.

Catalogues write the English names, which Discord keeps as defaults; people are shown those of their language
(interactions/application-commands, Localization), so sentences must name what they see.
"""

import re
from collections.abc import Mapping

_COMMAND = re.compile(r"command\.(.+)\.name")
_OPTION = re.compile(r"option\..+\.name")
_CODE_SPAN = re.compile(r"`([^`]+)`")


class Names:
    """The names of one language, by the English ones. What has none of its own keeps its English name."""

    def __init__(self, english: Mapping[str, str], own: Mapping[str, str]) -> None:
        self._commands: dict[str, str] = {}
        self._options: dict[str, str] = {}
        for key, name in english.items():
            if _OPTION.fullmatch(key):
                self._options[name] = own.get(key, name)
            elif found := _COMMAND.fullmatch(key):
                self._commands[_path(found[1], english)] = _path(found[1], {**english, **own})

    def option(self, name: str) -> str:
        """Return what an option is called."""
        return self._options.get(name, name)

    def command(self, typed: str) -> str:
        """Return what is typed for a command, such as `/jobs redeliver job:4T9…`: its path, then options with values.

        What begins with no command stays as it is.
        """
        words = typed.split(" ")
        for count in range(len(words), 0, -1):
            path = self._commands.get(" ".join(words[:count]))
            if path is not None:
                return " ".join([path, *map(self._filled, words[count:])])
        return typed

    def sentence(self, text: str) -> str:
        """Return a sentence whose code spans that are a command or an option name it in this language."""
        return _CODE_SPAN.sub(lambda span: f"`{self._named(span[1])}`", text)

    def _named(self, span: str) -> str:
        return self.command(span) if span.startswith("/") else self.option(span)

    def _filled(self, word: str) -> str:
        name, colon, value = word.partition(":")
        return f"{self.option(name)}{colon}{value}"


def _path(path: str, names: Mapping[str, str]) -> str:
    """Return what is typed for a catalogue path (`jobs.list`), with the names of each of its parts."""
    parts = path.split(".")
    levels = [".".join(parts[: count + 1]) for count in range(len(parts))]
    return "/" + " ".join(names.get(f"command.{level}.name", part) for level, part in zip(levels, parts, strict=True))
