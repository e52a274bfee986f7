"""The message types, one file per server: requests, replies and error codes together."""
