"""Where a class is graded: in processes here, or on a Dask cluster, if they can confine it."""

from contextlib import nullcontext

from xentlib.coursework import sandbox

START = 30  # seconds for a cluster to answer, and for its first worker to come

UNPROTECTED = """Without it, the students' code runs as you: it can read your files, other
submissions and the secret, use the network, and outlive its grading. Limits on time, memory and
output still hold."""


def cluster(address, unsafe):
    """Where the work is done, as a context: joblib's processes here, or a Dask cluster."""
    if address is None:
        if not unsafe and not sandbox.available():
            raise ValueError(
                "bubblewrap is not installed or not allowed here, so the students' code cannot be "
                f"confined. On Linux: apt install bubblewrap, or the like.\n{UNPROTECTED}\n"
                "If you accept that, in a container that holds nothing else say, add --unsafe."
            )
        return nullcontext()
    try:
        from distributed import Client
    except ImportError:
        raise ValueError("--client needs Dask: pip install distributed") from None
    try:
        client = Client(address, timeout=START)
    except (OSError, ValueError) as error:
        raise ValueError(f"--client {address}: {error}") from None
    try:
        client.wait_for_workers(1, timeout=START)  # they may just have been started
    except TimeoutError:
        client.close()
        raise ValueError(f"--client {address}: no worker has come in {START} s") from None
    try:
        confined = client.run(sandbox.available)
    except Exception as error:
        client.close()
        raise ValueError(f"--client {address}: its workers lack xentlib: {error}") from None
    if not (unsafe or all(confined.values())):
        client.close()
        without = ", ".join(where for where, yes in confined.items() if not yes)
        raise ValueError(f"--client {address}: bubblewrap is missing on {without}.\n{UNPROTECTED}")
    return client
