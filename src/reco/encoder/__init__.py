"""Text to vectors: the encoder protocol, Sentence Transformers behind it, and LoRA weights.

torch, Transformers, Sentence Transformers and peft are imported here and in `adapt.lora` only.
"""
