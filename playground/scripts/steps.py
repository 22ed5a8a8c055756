"""One line per step of a script, and whether all of them held."""

import time


class StepFailed(Exception):
    """A step did not hold; the rest of the script makes no sense."""


class Steps:
    """Prints `ok` or `FAILED` lines as they come, with the seconds since the one before."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def ok(self, text: str) -> None:
        """Report a step that held."""
        self._print("ok", text)

    def require(self, holds: bool, text: str, otherwise: str) -> None:
        """Report `text`, or `otherwise` as what was found instead. Raises StepFailed when it does not hold."""
        if not holds:
            self.failed(f"{text}: {otherwise}")
            raise StepFailed(text)
        self.ok(text)

    def failed(self, text: str) -> None:
        """Report a step that did not hold."""
        self._print("FAILED", text)

    def _print(self, word: str, text: str) -> None:
        now = time.monotonic()
        print(f"{word:6} {text} ({now - self._since:.1f} s)", flush=True)
        self._since = now
