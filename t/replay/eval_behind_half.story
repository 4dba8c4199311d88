# Redis does not know the script, and says so while a later command is half
# sent: the script's text must wait until that one is whole.

redis at 192.0.2.1:6379

caller ingests report key argument
connecting to 192.0.2.1:6379
the connection opens
redis has report

# The socket takes a part of the next command, whichever.
the connection takes any of 140 bytes
caller sends long of 120 bytes
caller sends last GET last
redis has part of long

redis says "-NOSCRIPT No matching script. Please use EVAL."
report waits

the connection takes all
redis has long
redis has eval of report
redis has last
redis has nothing more

redis says +OK :1 $4 text
long is told OK
report is told :1
last is told text
