"""What may wrap the key-encryption key, one file each, behind the Protocol in ``backend.py``."""
