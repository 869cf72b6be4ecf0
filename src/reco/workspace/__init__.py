"""The home and its settings: the front door, the doctor and the status."""
