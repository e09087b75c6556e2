"""Bytes in, bytes out. The only room that knows the cryptography library."""
