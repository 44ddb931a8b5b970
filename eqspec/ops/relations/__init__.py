"""Actions between two stored views, computed from their latents instead of drawn."""
