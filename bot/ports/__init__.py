"""What the bot does not own, as Protocols: providers, Discord, object storage, the shared rate budget, the breaker."""

from bot.ports.media import (
    BudgetLine,
    ClipInfo,
    Links,
    MediaStore,
    MediaWorkshop,
    ReferenceIntake,
)
from bot.ports.messages import (
    ApprovalView,
    CardView,
    ClipFile,
    ClipPost,
    MarkSearch,
    Messenger,
    Notice,
    Posted,
)
from bot.ports.providers import (
    Breaker,
    BreakerState,
    BreakerView,
    Provider,
    ProviderTraits,
    RateBudget,
    Receipt,
    Submission,
    UploadedReference,
    Urgency,
)

__all__ = [
    "ApprovalView",
    "Breaker",
    "BreakerState",
    "BreakerView",
    "BudgetLine",
    "CardView",
    "ClipFile",
    "ClipInfo",
    "ClipPost",
    "Links",
    "MarkSearch",
    "MediaStore",
    "MediaWorkshop",
    "Messenger",
    "Notice",
    "Posted",
    "Provider",
    "ProviderTraits",
    "RateBudget",
    "Receipt",
    "ReferenceIntake",
    "Submission",
    "UploadedReference",
    "Urgency",
]
