# The connection goes with commands in flight: they are sent once more, in the
# same order, before what was sent since; who loses two connections has failed.

redis at 192.0.2.1:6379
caller sends one GET one
caller sends two GET two
the connection opens
redis has one two
redis says $1 1
one is told 1

caller sends three GET three
redis has three
redis closes
two waits
three waits
connections 2
caller sends four GET four
the connection opens
redis has two three four

redis closes
two is told lost
three is told lost
four waits

connections 2                               # it answered nothing: back off
time passes 200ms
connections 3
the connection opens
redis has four
redis says $1 4
four is told 4
redis has nothing more
