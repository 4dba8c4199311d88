# A reply that nothing asked for: the connection is of no use any more.

redis at 192.0.2.1:6379
caller sends one GET one
the connection opens
redis has one
redis says $1 1 $1 2
one is told 1
not connected
log has "nothing asked for"
