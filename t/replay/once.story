# A socket that is connected at once, and one that is not there.

redis at unix:/run/redis.sock
the next connect is done at once
caller sends one GET one
redis has one
redis says $-1
one is told nil

caller sends two GET two
the next connect fails at once
redis has two
redis closes
not connected
two waits
time passes 130ms
connecting to unix:/run/redis.sock
the connection opens
redis has two
redis says $-1
two is told nil
