# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Closed months, by the core on a real Redis: what is closed reads as before,
# and is known again; what comes late stands beside it and joins; steps of
# several hosts, readers and reports in between; what others wrote into the
# keys; who may not.

use strict;
use warnings;

use TLSRPT::Made;
use TLSRPT::Store;
use TLSRPT::Test;

my $t = servers(nginx => 0, redis => 1);
my $store = TLSRPT::Store->new($t);
my $D = 'example.com';
my $CLOSED = "t:{$D}:2026-01:closed";

# 2026-02-08T12:00:00Z: January is over for a week.
my $DUE = 1770552000;
$store->now($DUE);

my (%sums, @sent);

sub send_report {
    my ($report) = @_;

    TLSRPT::Made::reckon(\%sums, $report);
    push @sent, $report;

    return $store->ingest($report);
}

sub reckoned_is {
    my ($name) = @_;

    my $days = $store->stats($D, '2026-01-01', '2026-02-08', 'by=day');
    is_deeply TLSRPT::Made::groups($days, 'day'), $sums{days} || {},
        "$name: by day";
    is_deeply [@$days{qw(reports total-successful-session-count
                         total-failure-session-count)}],
        $sums{all}, "$name: in all";
    is_deeply TLSRPT::Made::groups(
            $store->stats($D, '2026-01-01', '2026-02-08',
                          'by=organization-name'), 'organization-name'),
        $sums{senders}, "$name: by sender";
    is_deeply TLSRPT::Made::groups(
            $store->stats($D, '2026-01-01', '2026-02-08', 'by=result-type'),
            'result-type'),
        $sums{types} || {}, "$name: by result type";
    is_deeply [@{ $store->overview($D, '2026-01-01', '2026-02-08') }{qw(reports
               total-successful-session-count total-failure-session-count)}],
        $sums{all}, "$name: in the list";

    return;
}

sub begin {
    $t->redis('FLUSHALL');
    %sums = ();
    @sent = ();

    return;
}

sub days { return map { sprintf '2026-01-%02d', $_ } 1 .. 31 }

sub keys_are {
    my ($want, $name) = @_;

    return is_deeply [sort @{ $t->redis('KEYS', '*') }], [sort @$want], $name;
}

sub made { return TLSRPT::Made->new(seed => 11, domain => $D, @_) }


# A month

begin();
$store->now($DUE - 21 * 86400);
my $made = made();
for my $day (days()) {
    $store->now($DUE - 86400 * (39 - substr $day, 8));
    send_report($_) for $made->day($day);
}

$store->now($DUE - 86400);
my @before = sort @{ $t->redis('KEYS', '*') };
is $store->close($D), 'done 0', 'the day before, nothing is closed';
keys_are \@before, 'and nothing is changed';
reckoned_is 'open';

$store->now($DUE);
my %late = %{ ($made->day('2026-01-31'))[0] };
is send_report(\%late), 3, 'the first of a day tells that a month is due';
my $problems = $store->problems($D, '2026-01-01', '2026-02-08');
ok @{ $problems->{problems} } > 3, 'there are problems';
is $store->close($D), 'done 1', 'a month of 600 reports is one step';
keys_are [$CLOSED, "t:{$D}"], 'all of it is one hash';
ok $t->redis('TTL', $CLOSED) > 86400 * 360, 'which expires'
    or diag $t->redis('TTL', $CLOSED);
is $t->redis('HGET', "t:{$D}", 'o:2026-01'), undef, 'it is open no more';
is_deeply [sort @{ $t->redis('HKEYS', $CLOSED) }], [qw(c0 d0 h)],
    'a head, a chunk, a run';
reckoned_is 'closed';
cmp_ok $t->redis('MEMORY', 'USAGE', $CLOSED) / 31, '<', 400,
    'a day takes less than 400 bytes';
diag sprintf '%d reports, %.0f bytes a day', scalar @sent,
    $t->redis('MEMORY', 'USAGE', $CLOSED) / 31;
is_deeply $store->problems($D, '2026-01-01', '2026-02-08'), $problems,
    'the problems are the same';

is scalar(grep { $store->ingest($_) != 0 } @sent), 0, 'all are known again';
reckoned_is 'sent again';
keys_are [$CLOSED, "t:{$D}"], 'and nothing is open';


# Late ones

my $head = $t->redis('HGET', $CLOSED, 'h');
my ($one, $other, @more) = $made->day('2026-01-10');
is send_report($one), 2, 'a late one is the first of its day, and not due';
is send_report($other), 2, 'as is the next';
is $store->ingest($one), 0, 'known';
is $t->redis('HGET', "t:{$D}", 'o:2026-01'),
    int($DUE / 86400) + 7, 'to be closed in a week';
$t->redis('TTL', $_) > 0 or fail "$_ does not expire"
    for @{ $t->redis('KEYS', '*') };
reckoned_is 'late ones';
is $store->close($D), 'done 0', 'not yet';
$store->now($DUE + 8 * 86400);
is $store->close($D), 'done 1', 'a week later they join';
keys_are [$CLOSED, "t:{$D}"], 'all is in the hash again';
is_deeply [sort @{ $t->redis('HKEYS', $CLOSED) }], [qw(c0 d0 h)],
    'in the same chunk and run';
is substr($t->redis('HGET', $CLOSED, 'h'), 1, 16), substr($head, 1, 16),
    'with the same salt';
reckoned_is 'joined';
is $store->ingest($_), 0, 'known again' for $one, $other, $sent[0];


# Any number of steps: readers and reports between any two of them

{
    my $wrong = 0;

    for my $round (0 .. 7) {
        begin();
        $store->now($DUE);
        my $few = made(seed => 100 + $round, reports => 3);
        for my $day (days()) {
            send_report($_) for $few->day($day);
        }
        my $reader = TLSRPT::Store->new($t);
        my $second = TLSRPT::Store->new($t);
        $_->now($DUE) for $reader, $second;
        my %then = %{ $sums{all} ? { all => [@{ $sums{all} }] } : {} };
        $reader->begin('stats', $D, '2026-01-01', '2026-02-08', 'by=day');
        $reader->ask($round);
        $store->begin_close($D);
        $second->begin_close($D);
        my @left = $few->day('2026-01-31');
        for my $n (0 .. 9) {
            my $which = $few->pick(3);
            $which == 0 ? $store->step : $which == 1 ? $second->step
                : $reader->ask(1);
            send_report($_) for splice @left, 0, $few->pick(2);
        }
        my $got = $reader->answer;
        # it has what was there when it began, and perhaps what came since
        $wrong++ if $got->{reports} < $then{all}[0]
            || $got->{reports} > $sums{all}[0];
        $store->all;
        $second->all;
        my $days = $store->stats($D, '2026-01-01', '2026-02-08', 'by=day');
        $wrong++ unless encode_json(TLSRPT::Made::groups($days, 'day'))
            eq encode_json($sums{days});
        $wrong++ if grep { $store->ingest($_) != 0 } @sent;
    }

    is $wrong, 0, 'nothing is lost or doubled, whatever is done in between';
}


# A step that finds another's is not done

begin();
$store->now($DUE);
send_report($_) for made(reports => 3)->day('2026-01-05');
my $second = TLSRPT::Store->new($t);
$second->now($DUE);
for ($store, $second) {
    $_->begin_close($D);
    is $_->step, 'read', 'asks what is due';
    is $_->step, 'read', 'reads a slice';
}
is $store->step, 'moved 1', 'one moves it';
is $second->step, 'moved 0', 'the other does not';
is $second->all, 'done 1', 'and finds nothing but that it is done';
reckoned_is 'closed by two';

begin();
my ($first, @rest) = made(reports => 4)->day('2026-01-05');
send_report($first);
$store->begin_close($D);
$store->step for 1 .. 2;
send_report($_) for @rest;
is $store->step, 'moved 0', 'totals that have changed do not move';
is $store->all, 'done 1', 'it is read again';
reckoned_is 'one that came in between';


# Digests alone: a step made of what another has moved since is not done

begin();
send_report((made(reports => 3)->day('2026-01-05'))[0]);
my $seen = "t:{$D}:2026-01-05:seen";
$t->redis('SADD', $seen, map { 1_000_000 * $_ } 1 .. 5000);
$second->begin_close($D);
$second->step for 1 .. 3;                   # log and totals, and some of them
for my $host ($store, $second) {
    $host->begin_close($D);
    $host->step for 1 .. 2;
}
is $store->step, 'moved 1', 'some of 5,001 digests move';
is $second->step, 'moved 0', 'others that were read before do not';
$_->all for $store, $second;
my %runs = @{ $t->redis('HGETALL', $CLOSED) };
is length(join '', map { $runs{$_} } grep { /^d/ } keys %runs), 5001 * 6,
    'each is there once, in the end';


# Large days

begin();
$store->now($DUE);
my $many = made(reports => 1000, failing => 0.9);
for my $day ('2026-01-03', '2026-01-04') {
    send_report($_) for $many->day($day);
}
my $size = $t->redis('STRLEN', "t:{$D}:2026-01-03");
cmp_ok $size, '>', 66000, 'day logs that are longer than a slice';
$store->begin_close($D);
my $wrong = 0;
while ($store->step !~ /^done/) {
    my $senders = $store->stats($D, '2026-01-01', '2026-02-08',
                                'by=organization-name');
    $wrong++ if encode_json(TLSRPT::Made::groups($senders,
        'organization-name')) ne encode_json($sums{senders});
}
is $wrong, 0, 'are read as before after each step';
keys_are [$CLOSED, "t:{$D}"], 'and closed whole';
reckoned_is 'large days';

# What others left in the keys

for my $case (
    ['a day log that is none', "t:{$D}:2026-01-09", "\xff" x 100000],
    ['a long one', "t:{$D}:2026-01-09", "\x80" x 300000],
) {
    my ($name, $key, $value) = @$case;
    begin();
    send_report($_) for made(reports => 3)->day('2026-01-05');
    $t->redis('SET', $key, $value, 'EX', 1000);
    like $store->close($D), qr/^done \d+$/, "$name: it ends";
    reckoned_is $name;
}

for my $key ($CLOSED, "t:{$D}:2026-01", "t:{$D}:2026-01-05",
             "t:{$D}:2026-01-05:seen")
{
    begin();
    my ($only) = made(reports => 3)->day('2026-01-05');
    send_report($only);
    $t->redis('DEL', $key);
    $t->redis('RPUSH', $key, 'x');
    my $dump = $t->redis('DUMP', $key);
    is $store->close($D), 'done 0', "$key of another type: nothing is moved";
    is $t->redis('DUMP', $key), $dump, 'and it stays';
}

begin();
send_report($_) for made(reports => 3)->day('2026-01-05');
$t->redis('HSET', $CLOSED, 'h', "\x02later");
is $store->close($D), 'done 0', 'a later version\'s is left alone';
is_deeply $t->redis('HGETALL', $CLOSED), ['h', "\x02later"], 'as it is';
like $store->ingest((made(seed => 5)->day('2026-01-06'))[0]),
    qr/a later version has closed the month/, 'and reports for it are refused';


# Days past the retention

begin();
send_report($_) for made(reports => 3)->day('2026-01-05');
my $n = @sent;
send_report($_) for made(reports => 3, seed => 12)->day('2026-01-20');
$store->close($D);
$store->retention(30);
is $store->stats($D, '2026-01-01', '2026-02-08', '-')->{reports}, @sent - $n,
    'are not shown';
is_deeply [map { $_->{day} } @{ $store->stats($D, '2026-01-01', '2026-02-08',
    'by=day')->{groups} }], ['2026-01-20'], 'by day either';
is $store->overview($D, '2026-01-01', '2026-02-08')->{reports}, @sent - $n,
    'nor counted in the list';
$store->retention(400);


# A Redis user who may not run one of the commands: nothing moves

for my $command (qw(hdel srem hset strlen scard getrange srandmember expire)) {
    begin();
    send_report($_) for made(reports => 3)->day('2026-01-05');
    my $all = sub { return { map { $_ => $t->redis('DUMP', $_) }
        @{ $t->redis('KEYS', '*') } } };
    my $was = $all->();
    $t->redis('ACL', 'SETUSER', 'default', "-$command");
    my $got = $store->close($D);
    $t->redis('ACL', 'SETUSER', 'default', "+$command");
    is $got, 'done 0', "without $command nothing is moved";
    is_deeply $all->(), $was, 'and all is as it was';
}

done_testing;
