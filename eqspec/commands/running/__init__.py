"""Plans carried out in their run folders, judged and compared."""
