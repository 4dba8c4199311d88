# Replies come in two pieces, cut at any byte.

redis at 192.0.2.1:6379
caller sends one GET one
caller sends two LRANGE two 0 -1
caller sends three INCR three
the connection opens
redis has one two three

redis says $3 yes *4 $1 a *1 :1 $-1 $0 "" :7 cut anywhere
one is told yes
two is told "[a [:1] nil ]"
three is told :7
no timer
