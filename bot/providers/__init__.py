"""Adapters of the providers' APIs. They know nothing of each other."""
