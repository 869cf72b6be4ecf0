"""Training: pairs of texts, the upper layers of a model that learn from them, and a loop that resumes."""
