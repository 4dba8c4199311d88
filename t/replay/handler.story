# A handler sends, and takes leave of others, while replies are still at hand.

redis at 192.0.2.1:6379
caller sends one GET one
caller sends two GET two
caller sends three GET three
when one is told, caller sends four GET four
when two is told, caller leaves three
the connection opens
redis has one two three
redis says $1 1 $1 2 $1 3
one is told 1
two is told 2
redis has four
redis says $1 4
four is told 4

# So it does where its command has failed.
caller sends five GET five
caller sends six GET six
when five is told, caller leaves six
redis has five six
redis closes
the connection opens
redis has five six
redis closes
five is told lost
