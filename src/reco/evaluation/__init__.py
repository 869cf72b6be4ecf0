"""Evaluation: judged sets, baselines, ablations, unmet demand and exposure."""
