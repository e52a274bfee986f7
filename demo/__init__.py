"""``make demo``: one container start, told step by step, with nothing real but the software."""
