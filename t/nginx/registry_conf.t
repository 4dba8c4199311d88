# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# tlsrpt_registry: what nginx -t says of it.

use TLSRPT::Test;

my $t = servers(nginx => 0);
my $REDIS = 'tlsrpt_redis %%REDIS%%;';

sub good {
    my ($text) = @_;

    my ($ok, $said) = $t->nginx_test(http => "$REDIS $text");
    return ok($ok, $text) || diag $said;
}

sub bad {
    my ($text, $reason, $redis) = @_;

    my ($ok, $said) = $t->nginx_test(http => ($redis // $REDIS) . " $text");
    ok !$ok, "$text: refused";
    return like $said, $reason, 'and why';
}

good 'tlsrpt_registry on;';
good 'tlsrpt_registry off;';
good 'tlsrpt_registry on zone=a:1m;';
good 'tlsrpt_registry on zone=a:1m file=/nonexistent/registry;';
good 'tlsrpt_registry on file=registry;';

bad 'tlsrpt_registry on; tlsrpt_registry on;', qr/is duplicate/;
bad 'tlsrpt_registry;', qr/invalid number of arguments/;
bad 'tlsrpt_registry maybe;', qr/must be "on" or "off"/;
bad 'tlsrpt_registry off zone=a:1m;', qr/although it is off/;
bad 'tlsrpt_registry on zone=a;', qr/needs "zone=NAME:SIZE"/;
bad 'tlsrpt_registry on zone=:1m;', qr/needs "zone=NAME:SIZE"/;
bad 'tlsrpt_registry on zone=a:x;', qr/the size of "zone=a:x" must be/;
bad 'tlsrpt_registry on zone=a:8k;', qr/at least 65536 bytes/;
bad 'tlsrpt_registry on zone=a:1m zone=b:1m;', qr/invalid parameter "zone=b/;
bad 'tlsrpt_registry on file=;', qr/invalid parameter "file="/;
bad 'tlsrpt_registry on size=1m;', qr/invalid parameter "size=1m"/;
bad 'tlsrpt_registry on;', qr/"tlsrpt_registry" needs "tlsrpt_redis"/, '';

ok !-e $t->dir . '/tlsrpt/registry', 'nginx -t writes no file';

done_testing;
