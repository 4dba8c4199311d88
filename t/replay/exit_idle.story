# An idle connection does not keep a worker from exiting.

redis at 192.0.2.1:6379
caller sends one GET one
the connection opens
redis has one
redis says $-1
one is told nil
the worker exits
not connected
no timer
