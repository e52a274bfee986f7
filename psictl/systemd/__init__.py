"""What systemd says of PSI's units, held against what they should be."""
