# Redis has two addresses: one that fails is followed by the other.

redis at 192.0.2.1:6379 [2001:db8::1]:6379
caller sends one GET one
connecting to 192.0.2.1:6379
the connection is refused
connecting to [2001:db8::1]:6379
the connection opens
redis has one
redis says $1 1
one is told 1

# It is kept as long as it answers, and then the first again.
caller sends two GET two
redis has two
redis closes
connecting to 192.0.2.1:6379
the connection is refused
time passes 130ms
connecting to [2001:db8::1]:6379
the connection opens
redis has two
redis says $1 2
two is told 2
