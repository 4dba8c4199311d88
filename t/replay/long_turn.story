# A turn that sends much does not keep Redis waiting for its end: 8 KiB leave
# before.

redis at 192.0.2.1:6379
caller sends one GET one
the connection opens
redis has one
caller sends a of 3000 bytes
caller sends b of 3000 bytes
caller sends c of 3000 bytes
caller sends d of 10 bytes
redis has a b c d
redis says $-1 +OK +OK +OK +OK
one is told nil
d is told OK
