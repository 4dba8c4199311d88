#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Whose problems are to be worked out, by the scripts in a real Redis: soon, and
# no later than it was said; by one at a time; again, where something came
# meanwhile or nobody finished; and all domains, where there was no list yet.

use strict;
use warnings;

use TLSRPT::Test;

my $t = servers(nginx => 0, redis => 1);
my $store = TLSRPT::Server::top() . '/shared/store';
my %script = map { $_ => $t->read_file("$store/due_$_.lua") }
    qw(add claim release);

my ($DUE, $INDEX) = ('t:due', 't:domains');

sub add {
    my ($domain, $delay) = @_;

    return $t->redis('EVAL', $script{add}, 1, $DUE, $domain, $delay);
}

sub claim {
    my ($n, $hold) = @_;

    return @{ $t->redis('EVAL', $script{claim}, 2, $DUE, $INDEX, $n || 10,
                        $hold || 60) };
}

sub release {
    my ($domain, $score, $next) = @_;

    return $t->redis('EVAL', $script{release}, 1, $DUE, $domain, $score,
                     $next);
}

sub now   { return $t->redis('TIME')->[0] }
sub score { return $t->redis('ZSCORE', $DUE, $_[0]) }

# As if time had passed.
sub make_due {
    my ($domain, $ago) = @_;

    return $t->redis('ZADD', $DUE, now() - ($ago || 1), $domain);
}

# In so many seconds, as the clock moves on meanwhile.
sub in_seconds {
    my ($domain, $want, $name) = @_;

    my $left = score($domain) - now();
    ok $left > $want - 30 && $left <= $want + 1, $name
        or diag "$left for $want";

    return;
}

sub flush { return $t->redis('FLUSHALL') }


# Added

is add('example.com', 300), 1, 'a domain is added';
in_seconds('example.com', 300, 'in so many seconds');
is add('example.com', 900), 0, 'later does not move it';
in_seconds('example.com', 300, 'as it was');
is add('example.com', 100), 1, 'sooner does';
in_seconds('example.com', 100, 'to then');
make_due('example.com', 500);
my $score = score('example.com');
is add('example.com', 0), 0, 'what is due stays due';
is score('example.com'), $score, 'for as long as it was';
is $t->redis('TTL', $DUE), -1, 'the list does not expire';


# Claimed

flush();
add($_, 0) for qw(a.example b.example);
make_due('c.example', 40);
make_due('d.example', 30);
add('later.example', 300);

my @claimed = claim(2, 60);
is_deeply [@claimed[0, 2]], ['c.example', 'd.example'],
    'those that are due for longest, so many';
is $claimed[1], score('c.example'), 'each with its score';
in_seconds('c.example', 60, 'they are put off');

my %rest = claim();
is_deeply [sort keys %rest], ['a.example', 'b.example'], 'then the others';
is_deeply [claim()], [], 'then none';

is release('c.example', $claimed[1], 86400), 1, 'one is released';
in_seconds('c.example', 86400, 'until its next time');
is release('d.example', $claimed[3], 0), 1, 'another for good';
is score('d.example'), undef, 'is out of the list';
is release('d.example', $claimed[3], 500), 0, 'the same, sent twice';
is score('d.example'), undef, 'does not bring it back';
is release('c.example', $claimed[1], 500), 0, 'nor move the first';
in_seconds('c.example', 86400, 'which stays');


# Something comes meanwhile

for my $delay (0, 5, 59, 61, 86400) {
    flush();
    make_due('example.com');
    my (undef, $held) = claim();

    is add('example.com', $delay), 1,
        "a report that comes meanwhile, to be seen in $delay s";
    is release('example.com', $held, 86400), 0, 'is not forgotten';
    in_seconds('example.com', $delay > 60 ? 60 : $delay,
               'nor is it put off by more than the claim');
    is release('example.com', $held, 0), 0, 'nor taken out';
    ok defined score('example.com'), 'but stays';
}

# Of two that claim within one second, each has its own score.
flush();
make_due('example.com');
my (undef, $first) = claim();
add('example.com', 0);
my (undef, $second) = claim();
isnt $second, $first, 'another claim has another score';
is release('example.com', $first, 0), 0, 'the first is too late';
is release('example.com', $second, 0), 1, 'the second is not';


# Nobody finished

flush();
make_due('example.com');
(undef, $first) = claim();
is_deeply [claim()], [], 'while one works, nobody else does';
make_due('example.com');
(undef, $second) = claim();
ok $second, 'when he is gone for too long, another';
is release('example.com', $first, 0), 0, 'he comes back too late';


# The list is made

flush();
$t->redis('ZADD', $INDEX, map { (0, "d$_.example") } 1 .. 5);
add('d3.example', 300);
add('new.example', 0);
my %made = claim();
is_deeply [sort keys %made],
    [map({ "d$_.example" } 1, 2, 4, 5), 'new.example'],
    'where there was no list, all domains are due';
in_seconds('d3.example', 300, 'but for one that is in it by now');
release($_, $made{$_}, 0) for keys %made;
$t->redis('ZREM', $DUE, 'd3.example');
$t->redis('ZADD', $INDEX, 0, 'd9.example');
is_deeply [claim()], [], 'once: an empty list was made, too';
is $t->redis('ZCARD', $DUE), 1, 'it knows that by one name that is no domain';

flush();
is_deeply [claim()], [], 'no domains at all';
is_deeply [claim()], [], 'and still none';
$t->redis('DEL', $DUE);
$t->redis('ZADD', $INDEX, 0, 'd1.example');
is scalar(() = claim()), 2, 'a list that is gone is made again';


# A key of another

for my $case ([add => sub { add('example.com', 5) }],
              [claim => sub { claim() }],
              [release => sub { release('example.com', '1.5', 5) }])
{
    my ($name, $code) = @$case;

    $t->redis('SET', $DUE, 'mine');
    ok !eval { $code->(); 1 }, "$name fails on a key of another";
    like $@, qr/WRONGTYPE/, 'and says why';
    is $t->redis('GET', $DUE), 'mine', 'and leaves it';
}

done_testing;
