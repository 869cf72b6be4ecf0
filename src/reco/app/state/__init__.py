"""What the pages share: settings, snapshot, model and history, and who may enter the curator's page."""
