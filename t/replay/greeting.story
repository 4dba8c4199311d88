# User and database come first, and nothing else before both are answered: after
# a refused SELECT commands would go to another database.

redis at 192.0.2.1:6379 with user u password secret db 3
caller sends one GET one
the connection opens
redis has words AUTH u secret
redis has words SELECT 3
redis has nothing more
caller sends two GET two
redis has nothing more
redis says +OK
redis has nothing more
redis says +OK
redis has one two
redis says $-1 $-1
one is told nil
two is told nil

# And on the next connection again.
caller sends three GET three
redis has three
redis closes
the connection opens
redis has words AUTH u secret
redis has words SELECT 3
redis has nothing more
redis says +OK +OK
redis has three
redis says $-1
three is told nil
