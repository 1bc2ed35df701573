"""Memory figures of this process and this machine, in MiB."""

import psutil

_MIB = 2**20


def memory_figures() -> dict[str, float]:
    """``{"process_memory_mb", "available_ram_mb", "available_swap_mb"}``; process memory is the resident set size."""
    return {
        "process_memory_mb": round(psutil.Process().memory_info().rss / _MIB, 1),
        "available_ram_mb": round(psutil.virtual_memory().available / _MIB, 1),
        "available_swap_mb": round(psutil.swap_memory().free / _MIB, 1),
    }
