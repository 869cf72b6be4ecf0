"""A bounded queue in front of the recommender, for servers with many visitors."""
