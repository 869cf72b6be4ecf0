"""The command line. Each command parses its options, calls one use case and prints the result."""
