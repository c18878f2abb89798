"""The command line: parse, one application call, render."""
