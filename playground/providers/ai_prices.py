"""What the seedance2ai emulator charges.

The documents give one price: 30 credits for their example of 5 seconds at 720p, standard tier and channel. The rest is
made up around it.
"""

from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal
from math import ceil

from playground.providers.ai_rules import Order, VideoOrder

VIDEO_PER_S = {
    ("mini", "720p"): 3,
    ("mini", "1080p"): 6,
    ("standard", "720p"): 6,
    ("standard", "1080p"): 12,
    ("pro", "720p"): 9,
    ("pro", "1080p"): 18,
    ("pro", "1080p-plus"): 24,
    ("pro", "4k"): 40,
}
CHANNEL_FACTOR = {"standard": Decimal(1), "real": Decimal("1.5"), "wild": Decimal("1.5")}
PER_PICTURE = {
    ("gpt-image-2", "1K"): 4,
    ("gpt-image-2", "2K"): 6,
    ("gpt-image-2", "4K"): 10,
    ("nano-banana-pro", "1K"): 8,
    ("nano-banana-pro", "2K"): 8,
    ("nano-banana-pro", "4K"): 16,
}


def cost(order: Order, reference_seconds: Iterable[float] = ()) -> Decimal:
    """Whole credits. Each reference video adds its length, rounded up to seconds, to the clip's."""
    if isinstance(order, VideoOrder):
        seconds = order.duration + sum(ceil(length) for length in reference_seconds)
        exact = VIDEO_PER_S[order.quality_tier, order.resolution] * seconds * CHANNEL_FACTOR[order.channel]
        return exact.to_integral_value(ROUND_CEILING)
    each = PER_PICTURE[order.model, order.resolution]
    return Decimal(order.count * (each // 2 if order.channel == "economy" else each))
