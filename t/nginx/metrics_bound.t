#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# More domains than the metrics hold: those with the most recent reports are
# there, and names without data count for nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Test;

my $BOUND = 50_000;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%% prefix=t;
    tlsrpt_domain .example;
END
        location /tlsrpt/ { tlsrpt_stats; }
END

# Domains from..to, whose last reports came one a second.
sub put {
    my ($from, $to, $name, $last) = @_;

    $t->redis('EVAL', <<'END', 0, $from, $to, $name, $last);
        for i = ARGV[1], ARGV[2] do
            local name = string.format('%s%06d.example', ARGV[3], i)
            redis.call('ZADD', 't:domains', 0, name)
            redis.call('HSET', 't:{' .. name .. '}', 'all',
                       struct.pack('<I7I7I7I7', i, 1, 0, ARGV[4] + i))
        end
END

    return;
}

sub metrics {
    my $body = $t->get('/tlsrpt/metrics', timeout => 120)->{body};
    my %reports = $body =~ /^tlsrpt_reports_total\{policy_domain="(.*)"\} (\d+)$/mg;
    my ($omitted) = $body =~ /^tlsrpt_metrics_omitted_domains (\d+)$/m;

    my @build = $body =~ /^tlsrpt_build_info/mg;
    is scalar @build, 1, 'one page';

    return (\%reports, $omitted);
}

put(1, $BOUND, 'a', 1_700_000_000);
$t->redis('EVAL', <<'END', 0);
    for i = 1, 1000 do
        redis.call('ZADD', 't:domains', 0, 'gone' .. i .. '.example')
    end
END

my ($reports, $omitted) = metrics();
is scalar(keys %$reports), $BOUND, 'as many as there may be';
is $omitted, 0, 'none is left out: those without data do not count';

put($BOUND + 1, $BOUND + 30, 'z', 1_700_000_000);
put(1, 5, 'b', 1_000_000_000);

($reports, $omitted) = metrics();
is scalar(keys %$reports), $BOUND, 'no more than that';
is $omitted, 35, 'the others are left out';
is_deeply [grep { /^z/ } sort keys %$reports],
    [map { sprintf 'z%06d.example', $_ } $BOUND + 1 .. $BOUND + 30],
    'the most recent ones are there, whatever their names';
is_deeply [grep { !$reports->{sprintf 'a%06d.example', $_} } 1 .. 32],
    [1 .. 30], 'those whose last report is the oldest are not';
is_deeply [grep { /^b/ } keys %$reports], [], 'nor what is older';
is $reports->{'a000031.example'}, 31, 'and the numbers are right';

done_testing;
