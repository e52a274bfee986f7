"""The broker: holds the Infisical credentials, the mappings and the cached values."""
