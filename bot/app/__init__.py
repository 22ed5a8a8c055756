"""The composition root: builds, starts and stops everything, in order."""

from bot.app.process import App, run

__all__ = ["App", "run"]
