"""What is done in machine code, made on the spot, where the machine has a C++ compiler."""
