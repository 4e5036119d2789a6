"""The API from outside: real requests over real sockets."""
