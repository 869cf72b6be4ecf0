"""Texts to vectors: the encoder protocol, its Sentence Transformers implementation, and LoRA weights.

Only this package and `adapt.lora` import torch, Transformers, Sentence Transformers and peft.
"""
