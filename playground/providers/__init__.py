"""Strict emulators of the providers, written from their documents."""

from playground.providers.seedance2_movie import Seedance2Movie
from playground.providers.seedance2ai import Seedance2Ai
from playground.providers.seedance_tv import SeedanceTv

__all__ = ["Seedance2Ai", "Seedance2Movie", "SeedanceTv"]
