"""Clusters of a catalogue: found at refresh, labelled in French, mapped, stable from night to night."""
