"""The side panel's part of each simulated provider: the errors of its own document, and faults that only it has."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from playground.emulators import Emulators
from playground.page.panel import EmulatorPanel, Switch
from playground.providers import Seedance2Ai, Seedance2Movie, SeedanceTv

KEPT_CREDITS = Decimal(10)

MOVIE_TASK_ERRORS = (
    "CONTENT_MODERATION_FAILED",
    "COPYRIGHT_VIOLATION",
    "PRIVACY_VIOLATION",
    "VIDEO_DOWNLOAD_FAILED",
    "INTERNAL_ERROR",
)
MOVIE_SUBMIT_ERRORS = (
    "SERVICE_BUSY",
    "RATE_LIMIT_EXCEEDED",
    "CONCURRENCY_LIMIT_REACHED",
    "INSUFFICIENT_CREDIT",
    "TASK_SUBMIT_FAILED",
    "INVALID_API_KEY",
)
AI_TASK_ERRORS = ("internal_error", "invalid_request", "service_busy")
"""Its documents do not say with which codes tasks fail; these are the ones that they have."""
AI_SUBMIT_ERRORS = (
    "service_busy",
    "rate_limited",
    "idempotency_conflict",
    "insufficient_credits",
    "internal_error",
    "invalid_request",
    "unauthorized",
)
TV_TASK_ERRORS = ("generation_failed",)
"""Its document names no codes of failed tasks; this is the emulator's own."""
TV_SUBMIT_ERRORS = (
    "too_many_requests",
    "unprocessable_entity",
    "insufficient_credits",
    "internal_server_error",
    "service_unavailable",
    "unauthorized",
)


def panels_of(emulators: Emulators, names: Iterable[str]) -> dict[str, EmulatorPanel]:
    """The panels of the named providers, in that order. Raises KeyError for a name that is none of theirs."""
    makers: dict[str, Callable[[], EmulatorPanel]] = {
        "seedance2-movie": lambda: movie_panel(emulators.movie),
        "seedance2ai": lambda: ai_panel(emulators.ai),
        "seedance-tv": lambda: tv_panel(emulators.tv),
    }
    return {name: makers[name]() for name in names}


def movie_panel(movie: Seedance2Movie) -> EmulatorPanel:
    """P1: it announces the end of tasks."""

    def hold(_choice: str, on: bool) -> str:
        movie.knobs.callbacks.enabled = not on
        return "Callbacks are held: the bot has to ask." if on else "Callbacks are sent again."

    held = Switch("hold_callbacks", "Send no callbacks", hold, is_on=lambda: not movie.knobs.callbacks.enabled)
    return EmulatorPanel(
        "seedance2-movie", movie, task_errors=MOVIE_TASK_ERRORS, submit_errors=MOVIE_SUBMIT_ERRORS, own=[held]
    )


def ai_panel(ai: Seedance2Ai) -> EmulatorPanel:
    """P2: it charges at the submit, refunds, and fetches references by their addresses."""

    def keep(_choice: str, _on: bool) -> str:
        ai.next_outcome(error_code="internal_error", credits_refunded=KEPT_CREDITS)
        return f"The next task will fail, and at most {KEPT_CREDITS} credits come back."

    def hide(_choice: str, on: bool) -> str:
        ai.knobs.references_unreachable = on
        return "References cannot be fetched." if on else "References are fetched again."

    own = [
        Switch("keep_credits", f"Next task fails, {KEPT_CREDITS} credits come back", keep),
        Switch("hide_references", "References cannot be fetched", hide, is_on=lambda: ai.knobs.references_unreachable),
    ]
    return EmulatorPanel("seedance2ai", ai, task_errors=AI_TASK_ERRORS, submit_errors=AI_SUBMIT_ERRORS, own=own)


def tv_panel(tv: SeedanceTv) -> EmulatorPanel:
    """P3: it tells how many requests are left."""

    def hide(_choice: str, on: bool) -> str:
        tv.knobs.tells_rate_headers = not on
        return "Answers have no X-RateLimit headers." if on else "Answers have their X-RateLimit headers again."

    own = [Switch("hide_rate", "Tell no rate headers", hide, is_on=lambda: not tv.knobs.tells_rate_headers)]
    return EmulatorPanel("seedance-tv", tv, task_errors=TV_TASK_ERRORS, submit_errors=TV_SUBMIT_ERRORS, own=own)
