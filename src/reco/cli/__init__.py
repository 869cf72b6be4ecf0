"""The command line: parse, call one use case, show its result."""
