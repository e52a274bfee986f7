"""What every PSI process shares: message types, framing, names, limits, logging.

Standard library and msgspec only, so that no process inherits another's libraries.
"""

__version__ = "0.1.0"
