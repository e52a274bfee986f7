"""The frontend: parses HTTP on psi.sock and asks the broker; it holds nothing."""
