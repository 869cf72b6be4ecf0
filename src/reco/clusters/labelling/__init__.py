"""French labels of clusters: candidate phrases from their texts, and the choice of one."""
