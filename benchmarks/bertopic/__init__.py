"""reco's clusters and BERTopic on the same vectors: see `docs/exploring.md` for the commands and figures."""
