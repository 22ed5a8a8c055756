"""Strict emulators of the providers, written from their documents."""

from playground.providers.seedance2_movie import Seedance2Movie

__all__ = ["Seedance2Movie"]
