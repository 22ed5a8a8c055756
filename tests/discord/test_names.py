"""Sentences name commands and options as their readers see them."""

import pytest

from bot.discord.sentences import refusal
from bot.discord.words import Words
from bot.domain.errors import Refused
from bot.i18n import Catalogue

ENGLISH = {
    "command.jobs.name": "jobs",
    "command.jobs.list.name": "list",
    "command.help.name": "help",
    "option.job.name": "job",
    "option.refund_job.name": "job",
    "option.end_image.name": "end_image",
    "said": "Use `/jobs list`, `/jobs`, `/help` or `end_image`, or the job; `/jobs list job:{job}`.",
    "left": "`python -m bot jobs list`, `{option}`, `job {job}`, `/b[ao]d/`, `unlimited`",
}
DUTCH = {
    "command.jobs.name": "opdrachten",
    "command.jobs.list.name": "lijst",
    "option.job.name": "opdracht",
    "option.refund_job.name": "opdracht",
    "option.end_image.name": "eindafbeelding",
    "said": "Gebruik `/jobs list`, `/jobs`, `/help` of `end_image`; `/jobs list job:{job}`.",
    "left": ENGLISH["left"],
}
CATALOGUE = Catalogue({"en": ENGLISH, "nl": DUTCH})
SHIPPED = Catalogue.load()


def test_code_spans_name_commands_and_options_in_the_sentences_language() -> None:
    """Longest path first; what has no name of its own keeps its English one."""
    assert CATALOGUE.text("said", "nl", job="4T9") == (
        "Gebruik `/opdrachten lijst`, `/opdrachten`, `/help` of `eindafbeelding`; `/opdrachten lijst opdracht:4T9`."
    )
    assert CATALOGUE.text("said", "en-GB", job="4T9") == ENGLISH["said"].replace("{job}", "4T9")


def test_other_code_spans_stay_as_they_are() -> None:
    """The command line, values, patterns and ids."""
    assert CATALOGUE.text("left", "nl", job="4T9", option="?") == (
        "`python -m bot jobs list`, `?`, `job 4T9`, `/b[ao]d/`, `unlimited`"
    )


def test_a_sentence_without_translation_names_things_as_english_does() -> None:
    """It is shown in English to whoever reads another language."""
    assert Catalogue({"en": ENGLISH, "nl": {}}).text("said", "nl", job="4T9") == CATALOGUE.text("said", "en", job="4T9")
    assert CATALOGUE.names("fr").command("/jobs list") == "/jobs list"


def test_commands_with_values_are_named_in_the_readers_language() -> None:
    """The value stays as it is."""
    assert Words(CATALOGUE, "nl").command("/jobs list job:4T9") == "`/opdrachten lijst opdracht:4T9`"
    assert Words(CATALOGUE, "en").command("/jobs list job:4T9") == "`/jobs list job:4T9`"


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (Refused("not_supported", option="end_image", model="a/b", others="c/d"), ["`eindafbeelding`"]),
        (Refused("reference_gone", option="start_image, reference_2"), ["`startafbeelding, referentie_2`"]),
        (
            Refused("option_value", option="motion", value="low", model="a/b", offered="medium, high", others="c/d"),
            ["`beweging`", "“weinig”", "gemiddeld, veel"],
        ),
        (Refused("seed_rendering", rendering="wild", model="a/b", offered="standard"), ["standard (standaard)"]),
    ],
)
def test_refusals_name_options_and_values_in_the_readers_language(error: Refused, named: list[str]) -> None:
    """As the command shows them."""
    told = refusal(error, Words(SHIPPED, "nl"), reference="r")

    assert all(one in told for one in named), told
