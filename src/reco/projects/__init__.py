"""A commune's projects: saved queries, their answers over time, opinions on results, and batches."""
