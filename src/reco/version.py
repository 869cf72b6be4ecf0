"""The version of reco, apart from `reco` itself so that every room can read it without the front door."""

__version__ = "0.1.0"
