"""The price table: what each model charges, in its provider's own credits.

P1's rows are those of its documentation (Pricing). P2 documents one price: 30 credits for five seconds of
`seedance2` at 720p, standard tier and rendering. The rest of P2's rows, and P3's, are a guess that would rather hold
too much: what is not used is released.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from math import ceil

from bot.domain.requests import Kind, MediaKind, Spec

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Price:
    """One row. It covers every rendering and both kinds of sound unless it names one.

    Clips cost `per_second` of theirs and `per_reference_second` of each reference video, whose length is rounded up to
    whole seconds; pictures cost `per_picture`. A row without the amount that a request needs does not cover it.
    """

    model: str
    resolution: str
    per_second: Decimal | None = None
    per_picture: Decimal | None = None
    rendering: str | None = None
    audio: bool | None = None
    per_reference_second: Decimal = NOTHING

    @property
    def place(self) -> tuple[str, str, str | None, bool | None]:
        """What it is a price of; a later row of the same place replaces it."""
        return self.model, self.resolution, self.rendering, self.audio

    @property
    def closeness(self) -> tuple[bool, bool]:
        """How exactly it fits: a named rendering goes before a named sound, and both before neither."""
        return self.rendering is not None, self.audio is not None

    def serves(self, kind: Kind) -> bool:
        """Whether it has the amount that such a request needs."""
        return (self.per_picture if kind is Kind.IMAGE else self.per_second) is not None

    def covers(self, spec: Spec) -> bool:
        """Whether it is a price of that request, of whose model and resolution it is."""
        return (
            self.serves(spec.kind)
            and self.rendering in {None, spec.rendering}
            and (self.audio is None or self.audio is spec.audio)
        )

    def cost(self, spec: Spec) -> Decimal:
        """Return what a request that it covers costs."""
        if spec.kind is Kind.IMAGE:
            return (self.per_picture or NOTHING) * spec.count
        reference_s = sum(ceil(r.duration_s or 0) for r in spec.references if r.kind is MediaKind.VIDEO)
        return (self.per_second or NOTHING) * spec.duration_s + self.per_reference_second * reference_s


class PriceTable:
    """Rows by model and resolution. Of two rows of the same place the later one counts."""

    def __init__(self, rows: Iterable[Price]) -> None:
        places = {row.place: row for row in rows}
        self._rows: dict[tuple[str, str], list[Price]] = {}
        for row in sorted(places.values(), key=lambda one: one.closeness, reverse=True):
            self._rows.setdefault((row.model, row.resolution), []).append(row)

    def has(self, model: str, resolution: str, kind: Kind) -> bool:
        """Whether anything of that model, resolution and kind has a price."""
        return any(row.serves(kind) for row in self._rows.get((model, resolution), ()))

    def row(self, spec: Spec) -> Price | None:
        """Return the closest row that covers a request, None where there is none."""
        return next((row for row in self._rows.get((spec.model, spec.resolution), ()) if row.covers(spec)), None)


def _movie(model: str, *rows: tuple[str, str]) -> list[Price]:
    return [Price(f"seedance2-movie/{model}", resolution, Decimal(amount)) for resolution, amount in rows]


def _ai_video(model: str, *rows: tuple[str, int]) -> list[Price]:
    """Make the rows of one tier. Renderings that cost more are guessed at half as much again, in whole credits."""
    key = f"seedance2ai/{model}"
    made = []
    for resolution, amount in rows:
        each, dearer = Decimal(amount), (Decimal(amount) * 3 / 2).to_integral_value(ROUND_CEILING)
        made.append(Price(key, resolution, each, per_reference_second=each))
        made += [
            Price(key, resolution, dearer, rendering=rendering, per_reference_second=dearer)
            for rendering in ("real", "wild")
        ]
    return made


def _ai_pictures(model: str, *rows: tuple[str, int], rendering: str | None = None) -> list[Price]:
    return [
        Price(f"seedance2ai/{model}", resolution, per_picture=Decimal(amount), rendering=rendering)
        for resolution, amount in rows
    ]


PRICES: tuple[Price, ...] = (
    *_movie("seedance-2.0", ("1080p", "4.5"), ("720p", "1.8"), ("480p", "0.9")),
    *_movie("seedance-2.0-fast", ("1080p", "3.312"), ("720p", "1.44"), ("480p", "0.72")),
    *_ai_video("seedance2-mini", ("720p", 3), ("1080p", 6)),
    *_ai_video("seedance2-standard", ("720p", 6), ("1080p", 12)),
    *_ai_video("seedance2-pro", ("720p", 9), ("1080p", 18), ("1080p-plus", 24), ("4k", 40)),
    *_ai_video("seedance-standard", ("720p", 6), ("1080p", 12)),
    *_ai_video("seedance-pro", ("720p", 9), ("1080p", 18)),
    *_ai_pictures("gpt-image-2", ("1K", 4), ("2K", 6), ("4K", 10)),
    *_ai_pictures("gpt-image-2", ("1K", 2), ("2K", 3), ("4K", 5), rendering="economy"),
    *_ai_pictures("nano-banana-pro", ("1K", 8), ("2K", 8), ("4K", 16)),
    Price("seedance-tv/seedance-2.0", "1080p", Decimal(3)),
)
