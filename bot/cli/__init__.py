"""The operator's command line, one file per family of commands."""
