"""What was measured of eqspec, and what makes the pages that say so."""
