"""pki: certificates and their private keys, which it makes and nobody else gets."""
