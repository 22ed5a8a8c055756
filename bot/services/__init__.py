"""Use cases, one file each. No port is called inside an open transaction."""
