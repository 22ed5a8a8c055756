"""`make bench`: the bot's speed beside the bare minimum that does the same input and output in the same run."""
