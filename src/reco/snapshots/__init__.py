"""Snapshots: one immutable folder a night, the pointer to the one served, and the store of them."""
