# Callers leave while their commands wait, are in flight, or are sent again:
# nobody is told, and the others' replies are the right ones.

redis at 192.0.2.1:6379
caller sends one GET one
caller sends two GET two
caller leaves one
the connection opens
redis has one two
redis says $1 1
two waits

caller leaves two
caller sends three GET three
redis has three
redis closes
the connection opens
redis has two three
redis says $1 2 $1 3
three is told 3
