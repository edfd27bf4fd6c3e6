"""The `simgen` command: one file a command; each parses its options, then calls one function of the library."""
