"""The commands of the command line, one family per file."""
