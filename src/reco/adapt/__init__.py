"""Adaptation of the encoder to a catalogue: a linear head, or low-rank weights (LoRA)."""
