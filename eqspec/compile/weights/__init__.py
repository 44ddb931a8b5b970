"""How files of published weights name their tensors."""
