#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Names that only a ".NAME" takes and that were never seen before: a report
# brings eight of them at a time, all reports together sixty a minute, and what
# is too many is taken when it comes again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain .wide.example;
    tlsrpt_domain .other.example;
    tlsrpt_domain named.wide.example;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

my $n = 0;

# On these domains; each time another report, unless id is given.
sub on {
    my ($domains, $id) = @_;

    my $report = report('report-id' => $id || 'r' . ++$n);
    $report->{policies} = [map { @{ report(domain => $_)->{policies} } }
                           @$domains];

    return $t->post('/v1/tlsrpt', encode_json($report));
}

sub names { return map { "$_[0]$_.wide.example" } 1 .. $_[1] }

sub seen { return scalar @{ $t->redis('ZRANGE', 'tlsrpt:domains', 0, -1) } }

sub next_minute {
    $t->redis('DEL', $_) for @{ $t->redis('KEYS', 'tlsrpt:new:*') };

    return;
}

# A report on more names comes again until all are there, and counts once.

my @many = names('a', 20);

for my $try (1, 2) {
    my $answer = on(\@many, 'many');
    is $answer->{status}, 503, "20 new names, try $try: come again";
    ok $answer->{headers}{'retry-after'}, 'and when';
    like $answer->{json}{detail}, qr/too many new domains/, 'and why';
    is seen(), 8 * $try, 'eight more are there';
}

is on(\@many, 'many')->{status}, 201, 'the rest';
is seen(), 20, 'all are there';
is on(\@many, 'many')->{status}, 200, 'then it is a duplicate';
is $t->counted($_), 1, "$_: once" for @many[0, 7, 8, 19];

# Sixty a minute, below each name

for my $i (0 .. 4) {
    is on([map { "b$i-$_.wide.example" } 1 .. 8])->{status}, 201, 'eight more';
}

is seen(), 60, 'sixty';
is on(['c1.wide.example'])->{status}, 503, 'one more';
is seen(), 60, 'is not there';
is on(['a1.wide.example'])->{status}, 201, 'one that was there counts';
is on(['named.wide.example'])->{status}, 201, 'one that is named, too';
is on(['wide.example'])->{status}, 201, 'and the name itself';
is on(['d.other.example'])->{status}, 201, 'and what is below another';

my ($ttl) = map { $t->redis('TTL', $_) } @{ $t->redis('KEYS', 'tlsrpt:new:*') };
cmp_ok $ttl, '>', 0, 'the count of a minute expires';

next_minute();
is on(['c1.wide.example'])->{status}, 201, 'a minute later it is taken';

done_testing;
