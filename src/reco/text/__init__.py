"""French text: cleaning, tokens, passages, and off-topic sentences."""
