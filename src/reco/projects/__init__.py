"""What a commune saves: projects, their answers over time, opinions, and batches of projects."""
