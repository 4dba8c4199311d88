# An exiting worker closes the connection once nothing is asked any more.

redis at 192.0.2.1:6379
caller sends one GET one
the connection opens
redis has one
the worker exits
connected
redis says $-1
one is told nil
not connected
no timer
