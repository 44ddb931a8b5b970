"""Images for training: the loader, its worker processes, stored views."""
