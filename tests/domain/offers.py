"""The whole catalogue for tests, and short ways to ask it."""

from decimal import Decimal

import pytest

from bot.domain.catalog import MODELS, Catalog
from bot.domain.errors import Refused
from bot.domain.money import Credits
from bot.domain.requests import Attachment, GenerationRequest, Kind, ReferenceRole, Spec

P1, P2, P3 = "seedance2-movie", "seedance2ai", "seedance-tv"
RATES = {P1: Decimal(1), P2: Decimal("0.3"), P3: Decimal(1)}
ALL = Catalog.build(providers=[P1, P2, P3], rates=RATES)
KINDS = {model.key: model.kind for model in MODELS}

MOVIE, FAST = f"{P1}/seedance-2.0", f"{P1}/seedance-2.0-fast"
STANDARD, MINI, PRO = (f"{P2}/seedance2-{tier}" for tier in ("standard", "mini", "pro"))
OLD, OLD_PRO = (f"{P2}/seedance-{tier}" for tier in ("standard", "pro"))
GPT, NANO = f"{P2}/gpt-image-2", f"{P2}/nano-banana-pro"
TV = f"{P3}/seedance-2.0"
SEEDANCE2 = {STANDARD, MINI, PRO}
AI_VIDEO = SEEDANCE2 | {OLD, OLD_PRO}
P1_VIDEO = {MOVIE, FAST}
PICTURES = {GPT, NANO}
VIDEO = P1_VIDEO | AI_VIDEO | {TV}


def file(option: str, size_bytes: int = 1000) -> Attachment:
    """Attach a file to an option of that name."""
    named = {role.value: role for role in ReferenceRole}
    return Attachment(option, named.get(option, ReferenceRole.REFERENCE), "a.png", size_bytes, "https://cdn/a.png")


def request(model: str | None = None, **options: object) -> GenerationRequest:
    """Ask for a boat of a model, as its kind."""
    kind = Kind.VIDEO if model is None else KINDS[model]
    return GenerationRequest(**({"prompt": "a boat", "model": model, "kind": kind} | options))


def decided(model: str | None = None, **options: object) -> Spec:
    """Decide it."""
    return ALL.decide(request(model, **options))


def refused(model: str | None = None, **options: object) -> Refused:
    """Decide it, and return why that cannot be done."""
    with pytest.raises(Refused) as caught:
        ALL.decide(request(model, **options))
    return caught.value


def named(refusal: Refused, param: str = "others") -> set[str]:
    """Return what a refusal lists."""
    return set(str(refusal.params[param]).split(", ")) - {""}


def price(model: str, **options: object) -> Credits:
    """Decide it and quote it."""
    return ALL.quote(decided(model, **options))
