# What the worker itself was busy with is not held against Redis: its answer may
# be there, and was not read yet.

redis at 192.0.2.1:6379 with timeout 1s
caller sends one GET one
the connection opens
redis has one
the worker is busy for 3s
connected
one waits
redis says $-1
one is told nil

# A Redis that does not answer is noticed all the same: each command is put off
# once.

caller sends two GET two
caller sends three GET three
redis has two three
the worker is busy for 1500ms
connected
time passes 900ms
connected
two waits
time passes 400ms                           # a timer may be 300 ms late
connections 2
log has "no answer in time"
the connection opens
redis has two three
the worker is busy for 1500ms
redis says $-1 $-1
two is told nil
three is told nil

caller sends four GET four
redis has four
the worker is busy for 1500ms
connected
the worker is busy for 1500ms
connections 3
the connection opens
redis has four
redis says $-1
four is told nil
