"""Standard papers: the substance of a deliberation, of minutes, of a form or of an e-mail.

A paper is known by several formulas at the start of its lines. Any other text is read whole.
"""
