"""State of the pages: settings, snapshot, model, history, and access to the curator's page."""
