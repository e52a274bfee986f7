"""``psictl cache``: what is kept for an outage, and the keyslots that protect it."""
