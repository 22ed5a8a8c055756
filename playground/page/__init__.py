"""The playground's web page: the simulated Discord as people see it, and a side panel to break things with."""

from playground.page.server import BotControl, PageServer, ProviderPanel

__all__ = ["BotControl", "PageServer", "ProviderPanel"]
