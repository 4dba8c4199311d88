# The queue is full: who comes is refused at once, and comes in again when there
# is room.

redis at 192.0.2.1:6379
caller sends 8192 of n
caller sends late GET late
late is refused
n8192 waits
the connection opens
redis has n1 n2 n3
redis says $-1
n1 is told nil
caller sends again GET again
again waits
caller sends over GET over
over is refused
the worker ends
