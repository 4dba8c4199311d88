#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The index of the domains with names in it that others put there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain .example.com;
    tlsrpt_domain example.net;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt { tlsrpt_stats; }
        location /some { tlsrpt_stats; tlsrpt_scope .example.com; }
END

my @names = qw(a.example.com b.example.com);

for my $name (@names) {
    my $answer = $t->post('/v1/tlsrpt', encode_json(report(domain => $name)));
    is $answer->{status}, 201, $name;
}

my @known = (@names, 'example.com', 'example.net');

sub put {
    $t->redis('ZADD', 'tlsrpt:domains', map { (0, $_) } @_);
    $t->redis('HSET', "tlsrpt:{$_}", all => '1 2 3 4') for @_;

    return;
}

# The names that a list of pages shows.
sub pages {
    my ($path) = @_;

    my @shown;
    my $cursor = '';

    for (1 .. 10) {
        my $answer = $t->get("$path$cursor")->{json};
        push @shown, map { $_->{domain} || '?' }
            @{ $answer->{domains} || [{}] };
        defined(my $next = $answer->{next}) or return \@shown;
        $cursor = "&cursor=$next";
    }

    return [@shown, 'without end'];
}

sub metrics {
    my $answer = eval { $t->get('/tlsrpt/metrics', timeout => 10) } || {};

    return [sort(($answer->{body} || '') =~
                 /^tlsrpt_reports_total\{policy_domain="(.*)\} 1$/mg)];
}

# Every key expires: in an index that was lost and begins anew, too.
$t->redis('FLUSHALL');
is $t->post('/v1/tlsrpt', encode_json(report(domain => $_)))->{status}, 201,
    "$_, after all was lost" for @names;
is_deeply [grep { $_ ne 'tlsrpt:due' && $t->redis('TTL', $_) < 0 }
           @{ $t->redis('KEYS', '*') }], [],
    'every key expires, but for the list of what is due';
ok $t->redis('TTL', 'tlsrpt:domains') > 400 * 86400, 'the index is the last';

# A name that was lost comes back with a duplicate, which changes nothing else.
$t->redis('ZREM', 'tlsrpt:domains', $names[0]);
is $t->post('/v1/tlsrpt', encode_json(report(domain => $names[1])))->{status},
    200, 'a duplicate of another domain';
is $t->redis('ZSCORE', 'tlsrpt:domains', $names[0]), undef, 'brings it not';
is $t->post('/v1/tlsrpt', encode_json(report(domain => $names[0])))->{status},
    200, 'its own duplicate';
is $t->redis('ZSCORE', 'tlsrpt:domains', $names[0]), 0, 'does';

my $before = metrics();
is_deeply $before, [map { "$_\"" } @names], 'metrics';

put('', "bad\xff.example", "quo\"te.example", "a\nb.example", "nul\0.example",
    'UPPER.example', 'final.example.', 'no name', '{a}', 'a..example');

is_deeply pages('/tlsrpt/domains?limit=100'), \@known, 'what is no name is not';
is_deeply pages('/tlsrpt/domains?limit=1'), \@known, 'name by name';
is_deeply pages('/some/domains?limit=1'), [@names, 'example.com'],
    'nor in a scope';
is_deeply metrics(), $before, 'nor in the metrics';

# Whole pieces of the index of what cannot be names.
put(map { sprintf('%04d', $_) . 'x' x 300 } 1 .. 1200);
is_deeply pages('/tlsrpt/domains?limit=100'), \@known, 'long names';
is_deeply pages('/tlsrpt/domains?limit=1'), \@known, 'one by one';
is_deeply pages('/some/domains?limit=1'), [@names, 'example.com'],
    'in a scope';
is_deeply metrics(), $before, 'in the metrics';

# The index forgets what has no data any more, whoever reads it; what has some,
# and what is configured, it does not.
for my $path ('/tlsrpt/domains?limit=1000', '/tlsrpt/domains?limit=2',
    '/tlsrpt/metrics')
{
    my @gone = map { "gone$_.example.com" } 1 .. 200;

    $t->redis('DEL', 'tlsrpt:domains');
    $t->redis('ZADD', 'tlsrpt:domains', map { (0, $_) } @gone, @known);
    TLSRPT::Server::wait_until(10, sub {
        is_deeply pages($path), \@known, 'it is not shown'
            if $path =~ /limit=1000/;
        pages($path) if $path =~ /limit=2$/;
        metrics() if $path =~ /metrics/;
        return $t->redis('ZCARD', 'tlsrpt:domains') <= 4;
    });
    is_deeply $t->redis('ZRANGE', 'tlsrpt:domains', 0, -1), \@known,
        "$path: what is gone is forgotten";
}
is_deeply pages('/tlsrpt/domains?limit=100'), \@known, 'and no other';

# A user who may not write the index reads it all the same.
$t->redis('ZADD', 'tlsrpt:domains', 0, 'gone.example.com');
$t->redis('ACL', 'SETUSER', 'default', '-zrem');
is_deeply pages('/tlsrpt/domains?limit=100'), \@known, 'without ZREM'
    for 1, 2;                   # the second one, when it has been refused
$t->redis('ACL', 'SETUSER', 'default', '+zrem');
is $t->redis('ZSCORE', 'tlsrpt:domains', 'gone.example.com'), 0,
    'nothing is forgotten';

# The index and the domains are of wrong types.
$t->redis('DEL', 'tlsrpt:domains');
$t->redis('SET', 'tlsrpt:domains', 'x');
is $t->get('/tlsrpt/domains')->{status}, 503, 'no index at all';
is $t->get('/tlsrpt/metrics')->{status}, 503, 'and no metrics';

done_testing;
