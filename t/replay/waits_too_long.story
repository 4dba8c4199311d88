# Who waits behind a command that is half sent is told when its time is over,
# without being sent; what is half sent goes with the connection.

redis at 192.0.2.1:6379 with timeout 1s
caller sends one GET one
the connection opens
redis has one
redis says $-1
one is told nil

the connection takes 10 bytes
caller sends two GET two
redis has part of two
time passes 500ms
caller sends three GET three
time passes 900ms                           # a timer may be 300 ms late
connections 2
two is told timeout
the connection opens
redis has three
redis says $-1
three is told nil
