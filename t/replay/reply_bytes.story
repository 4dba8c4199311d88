# An array comes byte by byte, and a reply is told as soon as it is whole.

redis at 192.0.2.1:6379
caller sends one LRANGE one 0 -1
caller sends two GET two
the connection opens
redis has one two

redis says *2 byte by byte
redis says $5 byte by byte
redis says hello byte by byte
one waits
redis says :12 byte by byte
one is told "[hello :12]"
two waits
redis says $-1 byte by byte
two is told nil
