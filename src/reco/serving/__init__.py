"""A bounded queue in front of a recommender, for whatever serves many visitors."""
