"""Rules of the product: no I/O, no clock; functions take `now`."""
