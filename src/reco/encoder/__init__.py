"""Texts to vectors: the encoder protocol, its Sentence Transformers implementation, and LoRA weights.

Only this package and `adapt` import torch, Transformers and Sentence Transformers.
"""
