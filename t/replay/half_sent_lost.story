# The connection goes with a command half sent, at any byte: it is sent from its
# beginning on the next, once.

redis at 192.0.2.1:6379
caller sends one GET one
the connection opens
redis has one
the connection takes any of 40 bytes
caller sends two of 60 bytes
redis has part of two

redis closes
connections 2
the connection opens
redis has one two
redis says $-1 +OK
one is told nil
two is told OK
redis has nothing more
