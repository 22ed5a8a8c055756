"""Cards, clips and sentences."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.discord.custom_ids import is_mark
from bot.discord.render import Renderer
from bot.discord.sentences import failure, refusal
from bot.discord.words import Words, escape, escape_inline
from bot.domain.errors import BudgetRefused, Cheaper, MediaRejected, Refused
from bot.domain.jobs import JobState
from bot.domain.money import ZERO, Credits
from bot.domain.rules import PublicPrompts
from bot.i18n import Catalogue
from bot.ports import CardView, ClipPost
from bot.services.admission import BY_RULE
from tests.discord.jobs import NOW, job

CATALOGUE = Catalogue.load()
WORDS = Words(CATALOGUE, "en-US")
RENDER = Renderer(CATALOGUE)


def _labels(payload: dict) -> list[str]:
    return [button["label"] for row in payload["components"] for button in row["components"]]


@pytest.mark.parametrize(
    ("state", "labels"),
    [
        (JobState.QUEUED, ["Cancel"]),
        (JobState.RUNNING, ["Cancel"]),
        (JobState.UNKNOWN, ["Cancel"]),
        (JobState.FETCHING, []),
        (JobState.DELIVERED, []),
        (JobState.AWAITING_APPROVAL, ["Cancel"]),
        (JobState.FAILED, ["Try again", "Edit & rerun"]),
        (JobState.CANCELLED, ["Try again", "Edit & rerun"]),
        (JobState.EXPIRED, ["Try again", "Edit & rerun"]),
    ],
)
def test_card_offers_what_can_be_done(state: JobState, labels: list[str]) -> None:
    """Cancel while the credits are held, another try once nothing came of it."""
    assert _labels(RENDER.card(CardView(job=job(state)))) == labels


def test_card_tells_the_expected_end_as_a_counting_timestamp() -> None:
    """Discord counts by itself, so the card needs no edits."""
    text = RENDER.card(CardView(job=job(expected_end_at=NOW + timedelta(minutes=2))))["embeds"][0]["description"]

    assert f"Expected <t:{int(NOW.timestamp()) + 120}:R>" in text


def test_card_shows_the_first_300_characters_of_the_prompt() -> None:
    """Cut with an ellipsis."""
    text = RENDER.card(CardView(job=job(prompt="x" * 400)))["embeds"][0]["description"]

    assert text.split("\n")[0] == "x" * 299 + "…"


@pytest.mark.parametrize("state", list(JobState))
def test_every_state_has_a_card_and_fits_discords_limits(state: JobState) -> None:
    """4096 characters of description, 1024 of a field (resources/message, Embed Limits)."""
    payload = RENDER.card(CardView(job=job(state, prompt="*" * 6000, error_code="TASK_NOT_FOUND")))

    embed = payload["embeds"][0]
    assert len(embed["description"]) <= 4096
    assert all(0 < len(field["value"]) <= 1024 for field in embed["fields"])
    assert payload["allowed_mentions"] == {"parse": []}


def test_lost_clip_is_told_as_a_failure_that_was_given_back() -> None:
    """Nothing is charged and nothing can be redelivered."""
    lost = job(JobState.UNDELIVERED, error_code="clip_lost", actual=Credits(9000))

    text = str(RENDER.card(CardView(job=lost)))

    assert "credits were given back" in text
    assert "nothing charged" in text
    assert "redeliver" not in text


def test_clip_carries_the_message_mark_and_pings_its_requester_alone() -> None:
    """The mark is in every button."""
    payload = RENDER.clip(ClipPost(job=job(JobState.DELIVERING), nonce="n"))

    buttons = payload["components"][0]["components"]
    assert all(is_mark(button["custom_id"], "ABCDEFGHJKMN", 1) for button in buttons)
    assert not any(is_mark(button["custom_id"], "ABCDEFGHJKMN", 2) for button in buttons)
    assert payload["allowed_mentions"] == {"parse": [], "users": ["100"]}
    assert len(RENDER.clip(ClipPost(job=job(prompt="*" * 6000), nonce="n"))["content"]) <= 2000


def test_card_that_waits_for_approval_says_so_and_when_it_lapses() -> None:
    """No end is expected before somebody decides."""
    waiting = job(JobState.AWAITING_APPROVAL, expected_end_at=NOW)

    text = RENDER.card(CardView(job=waiting, note="lapses", note_params={"at": NOW}))["embeds"][0]["description"]
    plain = RENDER.card(CardView(job=waiting))["embeds"][0]["description"]

    assert "Waiting for a moderator's approval" in text
    assert f"lapses <t:{int(NOW.timestamp())}:R>" in text
    assert "<t:" not in plain


def test_denied_card_shows_the_moderators_reason_harmlessly() -> None:
    """Or that none was given."""
    denied = job(JobState.CANCELLED, error_code="denied", decision_reason="**no** <@1>")

    assert r"\*\*no\*\* \<@1>" in RENDER.card(CardView(job=denied))["embeds"][0]["description"]
    assert "No reason was given." in str(RENDER.card(CardView(job=replace(denied, decision_reason=None))))
    assert r"\*\*no\*\*" in RENDER.outcome(denied)


def test_lapsed_approval_is_told_in_words() -> None:
    """On the card and where the card is gone."""
    lapsed = job(JobState.EXPIRED, error_code="approval_lapsed")

    assert "No moderator decided in time" in str(RENDER.card(CardView(job=lapsed)))
    assert "No moderator decided in time" in RENDER.outcome(lapsed)


def test_waiting_card_tells_the_expected_start() -> None:
    """Discord counts by itself."""
    text = str(RENDER.card(CardView(job=job(JobState.QUEUED), note="starts", note_params={"at": NOW})))

    assert f"Expected to start <t:{int(NOW.timestamp())}:R>" in text


@pytest.mark.parametrize(
    ("shown", "is_private", "line"),
    [
        (PublicPrompts.YES, False, "a red fox"),
        (PublicPrompts.SPOILER, False, "||a red fox||"),
        (PublicPrompts.NO, False, "-# Prompts are not shown here."),
        (PublicPrompts.NO, True, "a red fox"),
        (PublicPrompts.SPOILER, True, "a red fox"),
    ],
)
def test_card_shows_the_prompt_as_the_server_wants_it(shown: PublicPrompts, is_private: bool, line: str) -> None:
    """A private card has it always."""
    card = RENDER.card(CardView(job=job(is_private=is_private), prompt_shown=shown))

    assert card["embeds"][0]["description"].split("\n")[0] == line
    assert ("a red fox" in str(card)) == ("a red fox" in line)


def test_spoiler_cannot_be_broken_by_the_prompt() -> None:
    """Its own bars are escaped."""
    card = RENDER.card(CardView(job=job(prompt="a || b"), prompt_shown=PublicPrompts.SPOILER))

    assert card["embeds"][0]["description"].split("\n")[0] == r"||a \|\| b||"


@pytest.mark.parametrize(
    ("is_private", "labels"),
    [
        (False, ["Again", "Edit & rerun", "Extend", "Delete"]),
        (True, ["Again", "Edit & rerun", "Extend", "Share", "Delete"]),
    ],
)
def test_clip_offers_what_can_be_made_of_it(is_private: bool, labels: list[str]) -> None:
    """Share is for what nobody else has seen."""
    post = ClipPost(job=job(JobState.DELIVERING, is_private=is_private), nonce="n")

    assert _labels(RENDER.clip(post)) == labels


def test_clip_that_is_too_large_comes_as_a_link_with_its_end() -> None:
    """The link is one's own and may be shown."""
    post = ClipPost(job=job(), nonce="n", link="https://bot.example/media/x", link_expires_at=NOW, mention=False)

    payload = RENDER.clip(post)

    assert "https://bot.example/media/x" in payload["content"]
    assert f"<t:{int(NOW.timestamp())}:R>" in payload["content"]
    assert payload["allowed_mentions"] == {"parse": [], "users": []}


def test_card_of_a_late_clip_names_no_cost() -> None:
    """What the provider charged for it, the member was not."""
    card = str(RENDER.card(CardView(job=job(JobState.DELIVERED, is_late=True, actual=Credits(9000)))))

    assert "nothing charged" in card
    assert "9.0" not in card


def test_card_in_doubt_tells_a_lost_answer_from_a_task_that_is_overdue() -> None:
    """Where the provider took the request, nobody says that its answer was lost."""
    lost = str(RENDER.card(CardView(job=job(JobState.UNKNOWN))))
    overdue = str(RENDER.card(CardView(job=job(JobState.UNKNOWN, task_id="t1"))))

    assert "answer was lost" in lost
    assert "overdue" in overdue
    assert "lost" not in overdue


def test_late_clip_is_free_and_says_so() -> None:
    """It had been given up."""
    content = RENDER.clip(ClipPost(job=job(is_late=True), nonce="n"))["content"]

    assert "arrived after all" in content
    assert "free of charge" in content


@pytest.mark.parametrize(
    "text",
    ["**b**", "_i_", "~~s~~", "||spoiler||", "`code`", "[x](http://y)", "<@1>", "<#1>", "# big", "> quote", "-# small"],
)
def test_markdown_and_mentions_lose_their_meaning(text: str) -> None:
    """Each special character is escaped."""
    escaped = escape(text)

    assert escaped != text
    assert escaped.replace("\\", "") == text


def test_an_address_is_no_link_and_no_sign_turns_the_line() -> None:
    """Nor does a preview of it appear under what the bot posts; text from right to left stays as it is."""
    assert escape("see https://a.example/b") == "see https\\://a.example/b"
    assert escape_inline("قطة \u202e\u2067x: y") == "قطة x: y"


@pytest.mark.parametrize("code", ["CONTENT_MODERATION_FAILED", "submit_failed", "expired", "given_up"])
def test_failure_is_told_in_words(code: str) -> None:
    """Not by its code."""
    text = failure(job(JobState.FAILED, error_code=code), WORDS)

    assert code not in text
    assert text != failure(job(JobState.FAILED, error_code="what?"), WORDS)


@pytest.mark.parametrize("code", ["given_up", "submit_failed", "tv_invalid_style"])
def test_a_failure_says_once_that_the_credits_are_free(code: str) -> None:
    """Which the card adds to every sentence about a failure."""
    text = RENDER.card(CardView(job=job(JobState.FAILED, error_code=code)))["embeds"][0]["description"]

    assert text.count("free again") == 1


@pytest.mark.parametrize("code", [None, "SOMETHING_NEW", "http_502 <b>raw text</b>", "picture_side"])
def test_unknown_failure_shows_nothing_of_its_code(code: str | None) -> None:
    """A provider's raw text never reaches people."""
    text = failure(job(JobState.FAILED, error_code=code), WORDS)

    assert "ry again" in text or "attach it once more" in text
    assert "raw text" not in text
    assert "SOMETHING" not in text


def _budget(level: str, **values: object) -> str:
    known = {"needed": Credits(9000), "available": Credits(4000), "limit": Credits(50_000), "frees_at": NOW}
    return refusal(BudgetRefused(level, **(known | values)), WORDS, reference="r")  # type: ignore[arg-type]


@pytest.mark.parametrize("level", ["instance", "provider", "pool", "channel", "allowance", "wallet"])
def test_budget_refusal_names_level_rest_and_when_more_is_free(level: str) -> None:
    """For each level its own sentence."""
    text = _budget(level)

    assert "9.0" in text
    assert "4.0" in text
    assert "<t:" in text


def test_budget_refusal_offers_the_cheapest_variant() -> None:
    """In few words."""
    cheaper = Cheaper("seedance2-movie/seedance-2.0-fast", "480p", 5, Credits(3600))

    assert "480p fast, 5 s: 3.6 credits" in _budget("allowance", cheaper=cheaper)


def test_empty_pool_shows_the_operators_command() -> None:
    """With this guild's id."""
    text = _budget("pool", limit=ZERO, available=ZERO, frees_at=None, guild_id=42)

    assert "`python -m bot pool --guild 42 --credits 100`" in text


def test_refusal_without_another_model_does_not_name_none() -> None:
    """No dangling list."""
    text = refusal(Refused("not_supported", option="audio", model="m", others=""), WORDS, reference="r")

    assert "no other model" in text


def test_refusal_shows_what_a_person_typed_harmlessly() -> None:
    """Neither markdown nor a way out of a code span."""
    typed = refusal(Refused("unknown_model", model="**x** <@1>", models="a"), WORDS, reference="r")
    job_id = refusal(Refused("job_not_found", job="a` @x `b"), WORDS, reference="r")

    assert r"\*\*x\*\* \<@1>" in typed
    assert "`a @x b`" in job_id


@pytest.mark.parametrize("rule", sorted(BY_RULE))
def test_every_rule_has_a_name_for_moderators(rule: str) -> None:
    """Where a job that waits for them is against it."""
    text = refusal(Refused("approval_refused", job="J", rule=rule), WORDS, reference="r")

    assert WORDS(f"journal.rule.{rule}") in text


def test_unforeseen_refusal_has_a_reference() -> None:
    """Rather than failing."""
    assert "`abc`" in refusal(Refused("never heard of"), WORDS, reference="abc")
    assert "`abc`" in refusal(MediaRejected("never heard of"), WORDS, reference="abc")
