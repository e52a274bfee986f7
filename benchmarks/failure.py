"""The one error of the benchmark."""


class BenchmarkError(Exception):
    """The benchmark could not be made; its text names cause and remedy."""
