#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# A domain's problems worked out by the core on a real Redis: once, however many
# do it; whole, wherever one is killed; again, where something came meanwhile;
# quietly, where it is not news; not at all, where others know better.

use strict;
use warnings;

use JSON::PP qw(decode_json);
use POSIX qw(strftime);
use TLSRPT::Store;
use TLSRPT::Test;

my $DAY = 86400;
my $NOW = time;
my $D = 'example.com';
my ($DOMAIN, $STATE, $EVENTS, $UNTOLD)
    = map { "t:{$D}$_" } '', ':problems', ':events', ':untold';
my $DUE = 't:due';

my $t = servers(nginx => 0, redis => 1);
my $store = TLSRPT::Store->new($t);
my $add = $t->read_file(TLSRPT::Server::top() . '/shared/store/due_add.lua');

sub add { return $t->redis('EVAL', $add, 1, $DUE, $D, 5) }

# A report on so many days ago, with failures or without.
sub report_of {
    my ($ago, $failed, %more) = @_;

    my $day = strftime('%Y-%m-%d', gmtime($NOW - $ago * $DAY));
    my $report = report(day => $day, domain => $D, %more);
    my $policy = $report->{policies}[0];
    my $summary = $policy->{summary};

    $summary->{'total-failure-session-count'} = $failed;
    $summary->{'total-successful-session-count'} = $failed ? 10 : 100;
    if ($failed) {
        $policy->{'failure-details'}[0]{'failed-session-count'} = $failed;
    } else {
        delete $policy->{'failure-details'};
    }

    return $report;
}

# As if the time at which it is due had come.
sub claim {
    $t->redis('ZADD', $DUE, 1, $D);

    return ($store->claim)[1];
}

# Works it out, for one who claimed it.
sub work_out {
    my ($slot) = @_;

    $store->reckon($slot, $D, claim());

    return $store->reckon_all($slot);
}

sub zset   { return {@{ $t->redis('ZRANGE', $_[0], 0, -1, 'WITHSCORES') }} }
sub events { return [map { decode_json($_) }
                     @{ $t->redis('LRANGE', $EVENTS, 0, -1) }] }
sub types  { return join ' ', map { $_->{type} } @{ events() } }

# Seconds from now.
sub due_in {
    my $score = $t->redis('ZSCORE', $DUE, $D);

    return defined $score ? $score - $t->redis('TIME')->[0] : undef;
}

sub due_is {
    my ($want, $name) = @_;

    my $left = due_in();
    ok defined $left && $left > $want - 30 && $left <= $want + 1, $name
        or diag defined $left ? "$left for $want" : 'not at all';

    return;
}

# All that comes of it, but for the times of indexes.
sub outcome {
    return {
        state => $t->redis('GET', $STATE),
        mark => $t->redis('HGET', $DOMAIN, 'p'),
        events => $t->redis('LRANGE', $EVENTS, 0, -1),
        untold => $t->redis('LRANGE', $UNTOLD, 0, -1),
        open => zset('t:open'),
        indexed => [map { sort keys %{ zset($_) } } 't:events', 't:untold'],
        kept => join(' ', sort @{ $t->redis('KEYS', '*') }),
    };
}


# The two ways that are tried: a problem opens, and one ends

my %way = (
    opening => sub {
        $t->redis('FLUSHALL');
        $store->now($NOW);
        add();
        $store->ingest(report_of(3, 40));
    },
    ending => sub {
        $t->redis('FLUSHALL');
        $store->now($NOW - 2 * $DAY);
        add();
        $store->ingest(report_of(3, 40));
        work_out(3);
        $store->now($NOW);
        $store->ingest(report_of($_, 0)) for 2, 1;
    },
);

my (%reference, %commands);

for my $name (sort keys %way) {
    $way{$name}->();
    $store->reckon(0, $D, claim());
    my @did;
    while ((my $line = $store->reckon_step(0)) !~ /^done/) {
        push @did, $line;
    }
    $commands{$name} = \@did;
    $reference{$name} = outcome();
}

is_deeply [map { /^(ZADD|ZREM|EVALSHA) (?!\S*closed)(.*)/ ? "$1 $2" : () }
           @{ $commands{opening} }],
    ['ZADD t:untold', 'ZADD t:events', "EVALSHA $STATE", 'ZADD t:untold',
     'ZADD t:open', "EVALSHA $DUE"],
    'indexes before the events, and that of open problems after the state';

$way{opening}->();
is work_out(0), 'done 1 0', 'a problem opens: one event';
is types(), 'problem-opened', 'which says so';
is $t->redis('HGET', $DOMAIN, 'p'), '1 1', 'the mark';
like $t->redis('GET', $STATE), qr/^1 1\n/, 'the state';
cmp_ok $t->redis('STRLEN', $STATE), '<', 500, 'of a few hundred bytes';
is_deeply zset('t:open'), { $D => 3 }, 'the index of open problems';
my ($told) = map { decode_json($_) } @{ $t->redis('LRANGE', $UNTOLD, 0, -1) };
is_deeply $told->{event}, events()->[0], 'the event is on its way to alerts';
is $told->{problem}{id}, $told->{event}{'problem-id'}, 'with its problem';
is $t->redis('ZSCORE', 't:untold', $D) - $t->redis('ZSCORE', 't:events', $D), 1,
    'the index of these changes once they are there';
due_is($DAY, 'it is looked at again in a day');
for my $key ($STATE, $EVENTS) {
    cmp_ok $t->redis('TTL', $key), '>', 399 * $DAY, "$key is kept";
    cmp_ok $t->redis('TTL', $key), '<=', 402 * $DAY, 'for the retention';
}
cmp_ok $t->redis('TTL', $UNTOLD), '<=', 7 * $DAY, 'but news for a week';
is $store->ingest(report_of(2, 40)), 18, 'reports ask for a look now';

my $before = outcome();
$store->ingest(report_of(2, 40));
work_out(0);
is types(), 'problem-opened', 'more of it is no event';
isnt $t->redis('GET', $STATE), $before->{state}, 'but kept';

$way{ending}->();
is work_out(0), 'done 1 0', 'it ends: one event';
is types(), 'problem-resolved problem-opened', 'after the other';
is $t->redis('HGET', $DOMAIN, 'p'), '1 0', 'none is open';
is_deeply zset('t:open'), {}, 'the index says so';
is events()->[0]{'problem-id'}, events()->[1]{'problem-id'}, 'of one problem';
is $store->ingest(report_of(1, 0, 'report-id' => 'b')), 1,
    'reports ask for nothing';


# Killed, or slow

# Somebody who takes domains without events on their way out of the index.
sub forward {
    $t->redis('ZREM', 't:untold', $D) if !$t->redis('EXISTS', $UNTOLD);

    return;
}

for my $name (sort keys %way) {
    for my $forwarder (0, 1) {
        my (@wrong, @late);

        for my $n (0 .. @{ $commands{$name} }) {
            $way{$name}->();
            $store->reckon(0, $D, claim());
            $store->reckon_step(0) for 1 .. $n;
            forward() if $forwarder;
            work_out(1);
            push @wrong, $n
                if !eq_deeply(outcome(), $reference{$name});

            my $due = $t->redis('ZSCORE', $DUE, $D);
            $store->reckon_all(0);
            push @late, $n
                if !eq_deeply(outcome(), $reference{$name})
                || $t->redis('ZSCORE', $DUE, $D) != $due;
        }

        my $with = $forwarder ? ', with a forwarder' : '';
        is "@wrong", '', "$name$with: killed after any number of commands, "
            . 'another does the rest';
        is "@late", '', 'and if it was but slow, it changes nothing more';
    }
}

sub eq_deeply {
    my ($got, $want) = @_;

    my $json = JSON::PP->new->canonical->allow_nonref;

    return $json->encode($got) eq $json->encode($want);
}


# A connection that breaks before the reply, at each command

for my $name (sort keys %way) {
    $way{$name}->();
    $store->reckon(0, $D, claim());
    $store->line('reckon-twice', 0);
    ok eq_deeply(outcome(), $reference{$name}),
        "$name: each command sent twice, and it is done once";
    due_is($DAY, 'and is released');
}


# Two at once, in any order

for my $name (sort keys %way) {
    my $n = @{ $commands{$name} };
    my @wrong;

    for my $first (0 .. $n) {
        for my $second (0 .. $n) {
            $way{$name}->();
            $store->reckon(0, $D, claim());
            $store->reckon(1, $D, claim());
            $store->reckon_step(0) for 1 .. $first;
            $store->reckon_step(1) for 1 .. $second;
            my @done = map { $store->reckon_all($_) } 0, 1;
            push @wrong, "$first+$second"
                if !eq_deeply(outcome(), $reference{$name})
                || due_in() < $DAY - 30;
        }
    }

    is "@wrong", '', "$name: two at once do it once, in any order";

    # step by step
    $way{$name}->();
    $store->reckon($_, $D, claim()) for 0 .. 3;
    my $events = 0;
    my %left = map { $_ => 1 } 0 .. 3;
    while (%left) {
        for my $slot (sort keys %left) {
            my $line = $store->reckon_step($slot);
            $events += $1, delete $left{$slot} if $line =~ /^done (\d+)/;
        }
    }
    is $events, 1, "$name: four, step by step: one of them has the event";
    ok eq_deeply(outcome(), $reference{$name}), 'and it is there once';
}


# A report that comes meanwhile

{
    my (@lost, @wrong);

    for my $n (0 .. @{ $commands{opening} }) {
        $way{opening}->();
        $store->reckon(0, $D, claim());
        $store->reckon_step(0) for 1 .. $n;
        add();
        $store->ingest(report_of(2, 40));
        $store->reckon_all(0);
        push @lost, $n if !defined due_in() || due_in() > 6;
        work_out(1);
        my $open = $t->redis('LRANGE', $EVENTS, 0, -1);
        push @wrong, $n if @$open != 1
            || $t->redis('HGET', $DOMAIN, 'p') ne '1 1';
    }

    is "@lost", '', 'a report that comes meanwhile is looked at soon';
    is "@wrong", '', 'and makes no second event';
}


# Somebody is always first

$way{opening}->();
$store->reckon(0, $D, claim());
my ($line, $n) = ('', 0);
while (($line = $store->reckon_step(0)) !~ /^done/) {
    $t->redis('HSET', $DOMAIN, 'p', '1 0' . '0' x ++$n)
        if $line eq 'ZADD t:events';
}
is $n, 3, 'where somebody is always first, it tries three times';
is $line, 'done 0 0', 'then it is given up';
is types(), '', 'without an event';
due_is(60, 'and comes again soon');


# What is not news

$way{opening}->();
$t->redis('HDEL', $DOMAIN, 'p');
work_out(0);
is types(), 'state-built', 'data of before there were states';
is $t->redis('HGET', $DOMAIN, 'p'), '1 1', 'have one now';
work_out(0);
is types(), 'state-built', 'once';

for my $case (['1 3', undef, 'a state that is gone'],
              ['1 0', 'broken', 'one that is broken'],
              ['0 0', undef, 'one of older rules'])
{
    my ($mark, $state, $name) = @$case;

    $way{opening}->();
    $t->redis('HSET', $DOMAIN, 'p', $mark);
    $t->redis('SET', $STATE, $state) if defined $state;
    work_out(0);
    is types(), 'state-built', $name;
    is $t->redis('HGET', $DOMAIN, 'p'), '1 1', 'is made anew';
}

$way{opening}->();
$t->redis('HINCRBY', $DOMAIN, 'l', 2);
work_out(0);
is types(), 'state-built', 'an import';
is $t->redis('HGET', $DOMAIN, 'l'), undef, 'once';

$t->redis('FLUSHALL');
add();
$store->ingest(report_of(1, 0));
$t->redis('HINCRBY', $DOMAIN, 'l', 2);
is work_out(0), 'done 0 0', 'an import without failures';
is $t->redis('HGET', $DOMAIN, 'l'), undef, 'is forgotten, too';
is $t->redis('EXISTS', $STATE), 0, 'nothing is kept where there is nothing';


# What others know better

for my $case (['1 2', "1 1\n", 'a mark of later rules'],
              ['1 1', "1 2\nwhatever", 'a state of later rules'],
              ['1 1', "2 1\nwhatever", 'one in another format'])
{
    my ($mark, $state, $name) = @$case;

    $way{opening}->();
    $t->redis('HSET', $DOMAIN, 'p', $name =~ /mark/ ? '2 1' : $mark);
    $t->redis('SET', $STATE, $state) if $name !~ /mark/;
    claim();
    $before = outcome();
    is work_out(0), 'done 0 1', "$name: it is told";
    is_deeply outcome(), $before, 'and left alone';
    due_is(60, 'who knows them has the next turn');
}


# Nothing at all

$t->redis('FLUSHALL');
$t->redis('ZADD', 't:open', 2, $D);
is work_out(0), 'done 0 0', 'a domain without data';
is due_in(), undef, 'is no longer looked at';
is_deeply zset('t:open'), {}, 'nor said to have problems';
is_deeply $t->redis('KEYS', 't:{*'), [], 'and no key is made';

$way{opening}->();
work_out(0);
$t->redis('DEL', $_) for grep { $_ ne $STATE && $_ ne $EVENTS }
    @{ $t->redis('KEYS', 't:{*') };
is work_out(0), 'done 1 0', 'one whose data are gone';
is types(), 'problem-lapsed problem-opened', 'has no open problem any more';
is $t->redis('EXISTS', $DOMAIN), 0, 'and no hash is made';
is_deeply zset('t:open'), {}, 'the index says so';

$way{opening}->();
work_out(0);
$t->redis('ZADD', 't:open', 1, $D);
work_out(0);
is_deeply zset('t:open'), { $D => 3 }, 'a wrong index is mended';

$t->redis('FLUSHALL');
add();
$store->ingest(report_of(1, 0));
$t->redis('ZADD', 't:open', 1, $D);
is work_out(0), 'done 0 0', 'where all is well';
is_deeply zset('t:open'), {}, 'likewise';
due_is($DAY, 'it is looked at once a day');

$way{opening}->();
$store->reckon(0, $D, '-');
$store->reckon_all(0);
is types(), 'problem-opened', 'without a claim';
is $t->redis('ZCARD', $DUE), 1, 'the due list stays';
cmp_ok due_in(), '<=', 5, 'as it was';

# What a check saw, and what is served

sub check {
    my ($key, $name) = @_;

    my $text = $t->read_file(TLSRPT::Server::top() . "/t/check/$name.json");
    # the looks of all of them were at that second
    $text =~ s/\b(1[67]\d{8})\b/$1 - 1768910400 + $NOW/ge;
    $t->redis('SET', "t:{$D}:$key", $text);

    return;
}

$t->redis('FLUSHALL');
$store->now($NOW);
check(check => 'starttls-off');
is work_out(0), 'done 1 0', 'a domain that no report has told of';
is types(), 'problem-opened', 'has a problem that its check shows';
like events()->[0]{title}, qr/: mx2\.example\.com\z/, 'of that mail server';
is $t->redis('EXISTS', $DOMAIN), 0, 'no hash is made';
is_deeply zset('t:open'), { $D => 3 }, 'the index knows';
due_is($DAY, 'it is looked at once a day');

check(check => 'unreachable');
is work_out(0), 'done 0 0', 'a port that nobody reaches is no all-clear';
check(check => 'fine');
is work_out(0), 'done 1 0', 'it was mended';
is types(), 'problem-resolved problem-opened', 'and that is told';
is_deeply zset('t:open'), {}, 'the index knows';

$t->redis('FLUSHALL');
check(check => 'id-stale');
work_out(0);
is types(), '', 'nobody knows which id is to be there';
check(served => 'versions-new');
work_out(0);
is types(), '', 'a day is given after a change of ours';
check(served => 'versions');
work_out(0);
is types(), 'problem-opened', 'then it is told';

$t->redis('FLUSHALL');
check(served => 'versions');
check(check => 'record-removed');
work_out(0);
is types(), 'records-changed problem-opened', 'a record that is gone';
is work_out(0), 'done 1 0', 'worked out again';
is types(), 'records-changed problem-opened', 'no event comes twice';

$t->redis('SET', "t:{$D}:check", '{"v":1,');
is work_out(0), 'done 0 0', 'what cannot be read';
is $t->redis('ZSCORE', 't:open', $D), 2, 'is no all-clear';

done_testing;
