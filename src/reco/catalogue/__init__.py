"""Resources, the admission of source rows, and the curator's decisions."""
