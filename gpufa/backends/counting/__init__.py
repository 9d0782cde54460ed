"""A backend without numbers, which counts what a net asks of one."""
