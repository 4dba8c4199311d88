# Where the text is not known either, that is the answer: it is asked twice.

redis at 192.0.2.1:6379
caller ingests one key argument
caller ingests two key argument2
the connection opens
redis has one two
redis says "-NOSCRIPT No matching script." :1
two is told :1
redis has eval of one
redis says "-NOSCRIPT No matching script."
one is told "-NOSCRIPT No matching script."
redis has nothing more

# The text is not sent again to a Redis that may know it: after a loss it is
# the text, as before.
caller ingests three key argument3
redis has three
redis says "-NOSCRIPT No matching script."
redis has eval of three
redis closes
the connection opens
redis has eval of three
redis says :0
three is told :0
