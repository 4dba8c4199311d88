#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Requests for a policy, by the scripts in a real Redis: a batch counts once, old
# days go, and a node says since when it counts.

use strict;
use warnings;

use TLSRPT::Test;

my $t = servers(nginx => 0, redis => 1);
my $KEY = 't:{example.com}:fetches';
my $NODES = 't:{checks}:nodes';
my %script = map {
    $_ => $t->read_file(TLSRPT::Server::top() . "/shared/store/$_.lua")
} qw(fetches fetches_node);

sub counts {
    my %all = @{ $t->redis('HGETALL', $KEY) };
    return join ', ', map { "$_: $all{$_}" } grep { !/^@/ } sort keys %all;
}

# A batch of a node.
sub batch {
    my ($zone, $number, @counts) = @_;
    return $t->redis('EVAL', $script{fetches}, 1, $KEY, 'n1', $zone, $number,
        '2026-01-31', '2026-01-01', 1000, @counts);
}

is batch('a', 1, '2026-01-30 200', 5), 1, 'a batch';
is counts(), '2026-01-30 200: 5', 'is counted';
is batch('a', 1, '2026-01-30 200', 5), 0, 'told again';
is batch('a', 2, '2026-01-30 200', 2), 1, 'the next one';
is batch('a', 1, '2026-01-30 200', 5), 0, 'one that comes late';
is batch('b', 1, '2026-01-31 404', 1), 1, 'the first one of another zone';
is counts(), '2026-01-30 200: 7, 2026-01-31 404: 1', 'each is counted once';
ok $t->redis('TTL', $KEY) > 900, 'for a time';

$t->redis('HSET', $KEY, '2025-12-31 200', 9, '@gone', '7 2025-12-30 z',
          '@there', '7 2026-01-29 z');
is batch('b', 2, '2026-01-30 200', 0), 1, 'one more';
is counts(), '2026-01-30 200: 7, 2026-01-31 404: 1', 'old days go';
is join(' ', sort grep { /^@/ } @{ $t->redis('HKEYS', $KEY) }), '@n1 @there',
    'and nodes that are gone';

batch('b', $_, "2026-01-15 $_", 1) for 100 .. 180;
my @left = grep { !/^@/ } sort @{ $t->redis('HKEYS', $KEY) };
is scalar @left, 64, 'sixty-four stay';
is $left[-1], '2026-01-31 404', 'the newest';

# "FIRST LAST", after it was told on that day.
sub node {
    my ($name, $since, $goes_on, $today) = @_;
    $t->redis('EVAL', $script{fetches_node}, 1, $NODES, $name, $since, $goes_on,
        $today, '2026-01-01', 1000);
    return $t->redis('HGET', $NODES, $name);
}

is node('n1', '2026-01-10', '2026-01-09', '2026-01-10'),
    '2026-01-10 2026-01-10', 'a node begins';
is node('n1', '2026-01-10', '2026-01-09', '2026-01-12'),
    '2026-01-10 2026-01-12', 'and counts on';
is node('n1', '2026-01-13', '2026-01-12', '2026-01-13'),
    '2026-01-10 2026-01-13', 'it began again a day later: none was missed';
is node('n1', '2026-01-16', '2026-01-15', '2026-01-16'),
    '2026-01-16 2026-01-16', 'days later: who knows';
is node('n1', '2026-01-17', '2026-01-18', '2026-01-17'),
    '2026-01-17 2026-01-17', 'a day that it could not count whole';

$t->redis('HSET', $NODES, "old$_", '2025-12-01 2025-12-31') for 1 .. 5;
$t->redis('HSET', $NODES, "other$_", '2026-01-01 2026-01-15') for 1 .. 70;
node('n2', '2026-01-20', '2026-01-19', '2026-01-20');
my %nodes = @{ $t->redis('HGETALL', $NODES) };
is scalar keys %nodes, 64, 'sixty-four nodes stay';
ok exists $nodes{n1} && exists $nodes{n2}, 'those that count';
ok !(grep { /^old/ } keys %nodes), 'and none of long ago';
ok $t->redis('TTL', $NODES) > 900, 'for a time';

done_testing;
