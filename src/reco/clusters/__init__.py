"""Clusters of a catalogue: found at each refresh, labelled in French, mapped, stable between refreshes."""
