"""The pages of the documentation site, and `docs.generate`, which generates some of them."""
