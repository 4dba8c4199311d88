#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What was counted and kept of a domain is erased, by the core in a real Redis:
# days, closed months, reports and their long texts, problems, and its place in
# all lists; nothing of others, and nothing of what people did.

use strict;
use warnings;

use POSIX qw(strftime);
use TLSRPT::Store;
use TLSRPT::Test;

my $DAY = 86400;
my $NOW = time;
my $D = 'example.com';

my $t = servers(nginx => 0, redis => 1);
my $store = TLSRPT::Store->new($t);

sub ago  { return strftime '%Y-%m-%d', gmtime $NOW - $_[0] * $DAY }
sub keys_of { return [sort @{ $t->redis('KEYS', "t:{$_[0]}*") }] }

sub ingest {
    my ($ago, $domain, %more) = @_;

    my $report = report(day => ago($ago), domain => $domain, %more);
    my $policy = $report->{policies}[0];

    # incompressible, and long
    $policy->{policy}{'policy-string'}
        = [map { sprintf 'mx: %s.example', join '', map { chr 97 + rand 26 } 1 .. 60 }
           1 .. 400] if $more{long};

    return $store->ingest($report);
}

$store->now($NOW);
$store->line(keep => 30);

for my $domain ($D, 'example.net') {
    ingest($_, $domain, 'report-id' => "r$_") for 0 .. 3, 399;
    ingest(1, $domain, 'report-id' => "s$_") for 1 .. 70;
    ingest(2, $domain, 'report-id' => "l$_", long => 1) for 1 .. 40;
    ingest(100, $domain, 'report-id' => 'old');
    $store->close($domain);
    $t->redis('RPUSH', "t:{$domain}:acts", '{}');
    $t->redis('SET', "t:{$domain}:problems", 'x');
    $t->redis('RPUSH', "t:{$domain}:events", '{}');
    $t->redis('HSET', "t:{$domain}:muted", 'x', '2026-01-01');
    $t->redis('ZADD', "t:$_", 1, $domain) for qw(domains due open events untold);
}

my $others = keys_of('example.net');
my $mine = keys_of($D);
ok scalar(grep { /:[0-9a-f]{16}$/ } @$mine) >= 40, 'there are long texts';
ok scalar(grep { /:closed$/ } @$mine) >= 1, 'and a closed month';
ok scalar(grep { /:kept$/ } @$mine) >= 4, 'and reports';

like $store->line(erase => $D, 0), qr/ 0$/, 'a domain is erased';
is_deeply keys_of($D), ["t:{$D}:acts"], 'all but what people did';
is_deeply keys_of('example.net'), $others, 'nothing of another';
is $t->redis('ZSCORE', "t:$_", $D), undef, "it is not in $_"
    for qw(domains due open events untold);
is $t->redis('ZSCORE', "t:$_", 'example.net'), 1, "the other is in $_"
    for qw(domains due open events untold);
like $store->line(erase => $D, 0), qr/ 0$/, 'twice is once';

# Since a day: what is older is another's

sub since { return int($NOW / $DAY) - $_[0] }

$t->redis('DEL', "t:{$D}");
ingest($_, $D, 'report-id' => "d$_") for 0, 1, 40;
like $store->line(erase => $D, since(0)), qr/ 0$/, 'erased since today';

sub has { my $day = ago($_[0]); return scalar grep { /:$day$/ } @{ keys_of($D) } }

is has(0), 0, 'which is gone';
is has($_), 1, "not $_ days ago" for 1, 40;
like $store->line(erase => $D, since(40)), qr/ 0$/, 'since the first of them';
is_deeply keys_of($D), ["t:{$D}:acts"], 'all is: nothing is older';

$t->redis('DEL', "t:{$D}");
is ingest(1, $D), 2, 'a report can come again, the first of its day';

$t->redis('ACL', 'SETUSER', 'default', '-unlink');
like $store->line(erase => $D, 0), qr/ 1$/, 'what may not be run is told';

done_testing;
