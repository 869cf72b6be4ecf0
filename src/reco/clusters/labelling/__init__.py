"""French labels for clusters: candidate phrases, and the choice among them."""
