"""The claim–run–complete loop, the steps by state, and timed duties."""
