"""The sealer: holds the key-encryption key and talks to the TPM or the HSM."""
