"""Everything that people read, by message id, in one catalogue file per language."""

from bot.i18n.catalogue import Catalogue

__all__ = ["Catalogue"]
