"""Low-rank weights (LoRA) learnt from a catalogue."""
