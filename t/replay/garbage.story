# What is no RESP is taken for a connection that is gone, and so is more of it
# than a reply can have.

redis at 192.0.2.1:6379
caller sends one GET one
the connection opens
redis has one
redis says "HTTP/1.1 400 Bad Request"
one waits
connections 2
the connection opens
redis has one
redis says *1000000
one is told lost
not connected
