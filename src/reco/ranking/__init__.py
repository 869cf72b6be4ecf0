"""Ranking: from a query to results, each with its explanation."""
