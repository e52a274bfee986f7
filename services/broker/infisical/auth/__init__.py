"""The ways to log in, one file each; ``methods`` chooses by the configuration."""
