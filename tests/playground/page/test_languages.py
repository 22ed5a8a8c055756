"""Commands on the page are in the person's language."""

from typing import Any

from playground.page.languages import in_language

PRIVATE = {"name": "private", "name_localizations": {"nl": "privé"}, "description": "Only you", "type": 5}
SHAPE = {
    "name": "shape",
    "description": "",
    "choices": [{"name": "low", "name_localizations": {"nl": "laag"}, "value": 1}],
}
COMMAND: dict[str, Any] = {
    "name": "jobs",
    "name_localizations": {"nl": "opdrachten"},
    "description": "Your jobs",
    "description_localizations": {"nl": "Je opdrachten"},
    "options": [PRIVATE, SHAPE],
}


def test_names_and_descriptions_are_those_of_the_language() -> None:
    """What is sent keeps its name; what has no translation keeps its text."""
    found = in_language([COMMAND], "nl")[0]

    assert (found["name"], found["shown"], found["description"]) == ("jobs", "opdrachten", "Je opdrachten")
    assert [(one["shown"], one["description"]) for one in found["options"]] == [("privé", "Only you"), ("shape", "")]
    assert found["options"][1]["choices"] == [{"name": "low", "shown": "laag", "value": 1}]


def test_other_languages_see_the_registered_texts() -> None:
    """As in Discord."""
    found = in_language(COMMAND, "de")

    assert (found["shown"], found["description"]) == ("jobs", "Your jobs")
