# Nobody listens: the first attempt is repeated at once, the others after 100 ms
# and then twice as long each time, by chance up to a quarter more, and never
# over 5 s.

redis at 192.0.2.1:6379 with timeout 60s
chance is 0
caller sends one GET one
the connection is refused
log has "cannot connect (Connection refused)"
connections 2
the connection is refused
timer in 100ms
time passes 100ms
the connection is refused
timer in 200ms
time passes 200ms
chance is 100                               # of 0 to 100
the connection is refused
timer in 500ms
time passes 500ms
chance is 201                               # of 0 to 200, so that it is 0
the connection is refused
timer in 800ms
time passes 800ms
the connection is refused
timer from 1600ms to 2000ms
time passes 2s
chance is 0
the connection is refused
timer in 3200ms
time passes 3200ms
the connection is refused
timer in 5s
time passes 5s
chance is 777
the connection is refused
timer in 5s
time passes 5s
connections 10
chance is 0

# One that answers ends it: the next attempt is at once.
the connection opens
redis has one
redis says $-1
one is told nil
caller sends two GET two
redis has two
redis closes
connections 11
the connection is refused
timer in 100ms
time passes 100ms
the connection opens
redis has two
redis says $-1
two is told nil
