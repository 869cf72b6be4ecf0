"""French text: cleaning, tokens, sentences, and texts that have nothing to do with the field."""
