"""One suite over all three adapters against their emulators, and what the providers' documents name."""
