"""Resources: what one is, which rows become one, and what a curator decides of them."""
