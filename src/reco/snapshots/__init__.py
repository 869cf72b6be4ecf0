"""Snapshots: one immutable folder per refresh, the pointer to the one served, and their store."""
