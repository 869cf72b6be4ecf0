"""Compare reco's clusters with BERTopic on the same vectors. `docs/exploring.md` has commands and figures."""
