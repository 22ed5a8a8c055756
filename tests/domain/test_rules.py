"""A server's rules against a request."""

from dataclasses import fields, replace

import pytest

from bot.domain.errors import Refused
from bot.domain.money import Credits
from bot.domain.requests import Kind, Spec
from bot.domain.rules import GuildRules, Place, PublicPrompts

HERE = Place(10)
ADULT = Place(10, is_age_restricted=True)
SPEC = Spec(
    kind=Kind.VIDEO,
    model="seedance2-movie/seedance-2.0",
    prompt="a red boat",
    duration_s=5,
    resolution="720p",
    aspect_ratio="16:9",
    audio=False,
    watermark=False,
    seed=1,
    is_seed_chosen=False,
)
CHANGED = GuildRules(
    channels=frozenset({10, 11}),
    models=frozenset({"a/b"}),
    renderings=frozenset({"wild"}),
    restricted_models=frozenset({"a/c"}),
    longest_s=8,
    highest_resolution="720p",
    running_cap=3,
    queued_cap=4,
    confirm_over=None,
    approve_over=Credits(1),
    blocked=("one", "/two/"),
    moderator_roles=frozenset({7}),
    log_channel_id=12,
    public_prompts=PublicPrompts.SPOILER,
    ping=False,
    language="nl",
)


@pytest.mark.parametrize(
    ("rules", "spec", "place", "code"),
    [
        (GuildRules(), SPEC, HERE, None),
        (GuildRules(channels=frozenset({10})), SPEC, HERE, None),
        (GuildRules(channels=frozenset({11})), SPEC, HERE, "channel_not_allowed"),
        (GuildRules(models=frozenset({SPEC.model})), SPEC, HERE, None),
        (GuildRules(models=frozenset({"other/model"})), SPEC, HERE, "model_not_allowed"),
        (GuildRules(restricted_models=frozenset({SPEC.model})), SPEC, HERE, "age_restricted"),
        (GuildRules(restricted_models=frozenset({SPEC.model})), SPEC, ADULT, None),
        (GuildRules(), replace(SPEC, rendering="wild"), HERE, "age_restricted"),
        (GuildRules(), replace(SPEC, rendering="wild"), ADULT, "rendering_not_allowed"),
        (GuildRules(renderings=frozenset({"real"})), replace(SPEC, rendering="wild"), ADULT, "rendering_not_allowed"),
        (GuildRules(renderings=frozenset({"wild"})), replace(SPEC, rendering="wild"), ADULT, None),
        (GuildRules(renderings=frozenset({"wild"})), replace(SPEC, rendering="wild"), HERE, "age_restricted"),
        (GuildRules(), replace(SPEC, rendering="standard"), HERE, None),
        (GuildRules(longest_s=5), SPEC, HERE, None),
        (GuildRules(longest_s=4), SPEC, HERE, "too_long"),
        (GuildRules(highest_resolution="720p"), SPEC, HERE, None),
        (GuildRules(highest_resolution="480p"), SPEC, HERE, "resolution_too_high"),
        (GuildRules(highest_resolution="1080p"), replace(SPEC, resolution="8k"), HERE, "resolution_too_high"),
        (GuildRules(blocked=("boat",)), SPEC, HERE, "blocked_word"),
        (GuildRules(blocked=("ship",)), SPEC, HERE, None),
        (GuildRules(blocked=("ship",)), replace(SPEC, sample="a ship"), HERE, "blocked_word"),
        (GuildRules(blocked=("ship",)), replace(SPEC, style="a ship"), HERE, "blocked_word"),
    ],
)
def test_each_setting_allows_and_refuses(rules: GuildRules, spec: Spec, place: Place, code: str | None) -> None:
    """One row for either answer of each setting."""
    if code is None:
        rules.check(spec, place)
        return
    with pytest.raises(Refused) as refused:
        rules.check(spec, place)

    assert refused.value.code == code


def test_rules_survive_being_stored() -> None:
    """Every field, changed or not; a name of a later version is ignored."""
    assert GuildRules.from_json(CHANGED.to_json()) == CHANGED
    assert GuildRules.from_json(GuildRules().to_json()) == GuildRules()
    assert GuildRules().to_json() == "{}"
    assert GuildRules.from_json('{"of_a_later_version": 1}') == GuildRules()
    assert all(getattr(CHANGED, f.name) != getattr(GuildRules(), f.name) for f in fields(GuildRules))
