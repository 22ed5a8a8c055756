"""A place to try the bot whole: a simulated Discord, simulated providers, and a page to use them from."""
