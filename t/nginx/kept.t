#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What was stored once is read for ever: t/fixtures/kept/ has a file for each
# form in which reports were ever kept, with the commands that put it into Redis
# (their arguments in hexadecimal) and what is answered then.  A file is never
# changed: a new form gets a new one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Test;

my $dir = TLSRPT::Server->top . '/t/fixtures/kept';
my @files = glob "$dir/reports-*.json";

cmp_ok scalar @files, '>=', 1, 'there are forms';

for my $file (@files) {
    my ($form) = $file =~ m{([^/]+)\.json$};
    my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_retention 4000d reports=4000d;
    tlsrpt_domain example.com;
END
        location /tlsrpt/ { tlsrpt_stats; }
END
    my $stored = decode_json($t->read_file($file));

    for my $command (@{ $stored->{commands} }) {
        $t->redis(map { pack 'H*', $_ } @$command);
    }

    for my $answer (@{ $stored->{answers} }) {
        my ($path, $accept, $want) = @$answer{qw(path accept body)};
        my $got = $t->get($path, headers => [Accept => $accept]);

        is $got->{status}, 200, "$form: $path";
        is_deeply $accept eq 'application/json' ? $got->{json} : $got->{body},
            $want, $accept;
    }

    TLSRPT::Test::finish($t);
}

done_testing;
