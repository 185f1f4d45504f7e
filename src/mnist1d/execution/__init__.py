"""Running tasks: on the devices of this process, in other processes, on a cluster."""
