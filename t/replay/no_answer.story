# A deadline passes with a command in flight: it is sent once more on another
# connection, and has failed when there is no answer to that either.

redis at 192.0.2.1:6379 with timeout 1s
caller sends one GET one
the connection opens
redis has one

time passes 990ms
connected
one waits
time passes 400ms                           # a timer may be 300 ms late
one waits
connections 2
log has "no answer in time"

the connection opens
redis has one
redis has nothing more
time passes 1300ms
one is told timeout
redis has nothing more
