# A refused greeting: no command is sent, and the log does not have the password,
# which Redis may quote.

redis at 192.0.2.1:6379 with password secret db 3
caller sends one GET one
the connection opens
redis has words AUTH secret
redis has words SELECT 3
redis says "-WRONGPASS invalid password secret"
connections 2
log has "refuses AUTH: WRONGPASS"
log lacks secret

the connection opens
redis has words AUTH secret
redis has words SELECT 3
redis says +OK "-ERR DB index is out of range"
not connected
log has "refuses SELECT: ERR"
log lacks secret
redis has nothing more
time passes 1300ms
one is told timeout
