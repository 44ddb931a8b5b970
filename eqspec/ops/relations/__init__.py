"""What the latents of two stored views say lies between them: read from the data, never drawn."""
