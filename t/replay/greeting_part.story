# A socket takes the greeting in two pieces, cut at any byte.

redis at 192.0.2.1:6379 with password secret db 3
caller sends one GET one
the connection takes any of 45 bytes
the connection opens
the connection takes all
redis has words AUTH secret
redis has words SELECT 3
redis has nothing more
redis says +OK +OK
redis has one
redis says $-1
one is told nil
