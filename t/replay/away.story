# Redis is away for longer than a caller would wait: it is refused at once, not
# held until its time is over.

redis at 192.0.2.1:6379 with timeout 350ms
chance is 0
caller sends one GET one
the connection is refused
the connection is refused
time passes 100ms
the connection is refused
time passes 200ms
the connection is refused
one waits
time passes 50ms
one is told timeout

timer in 350ms
caller sends two GET two
two is refused
time passes 1ms
caller sends three GET three
three waits
time passes 349ms
connections 5
the connection opens
redis has three
redis says $-1
three is told nil
