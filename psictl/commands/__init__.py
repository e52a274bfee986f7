"""One file per command or group: its arguments, its help, and what it prints."""
