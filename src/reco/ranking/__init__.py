"""From a query to ranked results, each with its explanation."""
