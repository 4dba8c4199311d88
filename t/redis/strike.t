#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Reports that are struck out by the core on a real Redis: everything is then as
# if they had never come, and restored as if they had never been struck out;
# once, wherever one is killed, whatever comes in between, whether the month is
# closed or not.

use strict;
use warnings;

use JSON::PP ();
use POSIX qw(strftime);
use TLSRPT::Store;
use TLSRPT::Test;

my $DAY = 86400;
my $NOW = time;
my $D = 'example.com';
my $SHORT = 200;        # details that make a long text
my ($DONE, $UNKNOWN, $GONE) = (1, 2, 3);
my $JSON = JSON::PP->new->utf8->canonical;

my $t = servers(nginx => 0, redis => 1);
my $store = TLSRPT::Store->new($t);

sub date { return strftime('%Y-%m-%d', gmtime($NOW - $_[0] * $DAY)) }

my ($FROM, $TO) = (date(99), date(0));


# What there is

sub listed { return $store->reports($D, $FROM, $TO, join '&', 'limit=500', @_)
                 ->{reports} }

sub id_of {
    my ($report_id, @how) = @_;

    return (map { $_->{id} } grep { $_->{'report-id'} eq $report_id }
            @{ listed(@how) })[0];
}

# Works out its problems, now, and when what nobody signed has settled.
sub work_out {
    $store->now($NOW + $_), $store->reckon(0, $D, '-'), $store->reckon_all(0)
        for 0, $DAY / 2 + 60;
    $store->now($NOW);

    return;
}

# What became of problems meanwhile is history, and stays: they are worked out as
# if for the first time.
sub work_out_anew {
    $t->redis('DEL', "t:{$D}:problems");
    $t->redis('HDEL', "t:{$D}", 'p');

    return work_out();
}

# Of a thing that was asked: without ids, which tell where a report stands in
# its list, and on which day a problem opened.
sub without_ids {
    my ($thing) = @_;

    if (ref $thing eq 'HASH') {
        delete $thing->{id};
        without_ids($_) for values %$thing;
    } elsif (ref $thing eq 'ARRAY') {
        without_ids($_) for @$thing;
    }

    return $thing;
}

# A counter less what of it was struck out, where there is any of it.
sub net {
    my %metrics = map { /^([^#]\S*) (\d+)$/ ? ($1 => $2 + 0) : () }
        @{ $store->metrics($D) };

    for my $name (grep { /^tlsrpt_struck_/ } keys %metrics) {
        my $struck = delete $metrics{$name};

        $name =~ s/_struck_/_/;
        $metrics{$name} -= $struck;
    }

    # a counter that nothing is struck out of: it never goes down
    delete @metrics{grep { /^tlsrpt_failed_sessions/ } keys %metrics};

    return \%metrics;
}

my @BY = qw(day organization-name policy-type result-type sending-mta-ip
            receiving-mx-hostname receiving-ip failure-reason-code via);

# Those that are open, but for little ones, which may be left of larger ones.
sub open_now {
    my $problems = $store->problems($D, $FROM, $TO)->{problems};

    return [sort map { $_->{title} }
            grep { defined $_->{id} && $_->{severity} ne 'low'
                   && (!defined $_->{ongoing} || $_->{ongoing}) } @$problems];
}

sub view {
    my %view = (net => net());

    for my $by (@BY, 'day,organization-name,via', join(',', @BY)) {
        $view{"by $by"} = $store->stats($D, $FROM, $TO, "by=$by");
    }

    $view{$_} = without_ids($store->$_($D, $FROM, $TO))
        for qw(overview senders problems);
    $view{reports} = without_ids(listed());

    # of those that are equally bad it is the one that opened first
    delete $view{overview}{'problem-title'};

    # one each
    my $problems = delete $view{problems}{problems};
    my $n = 0;

    $view{'problem ' . ++$n} = $_
        for sort { $JSON->encode($a) cmp $JSON->encode($b) } @$problems;

    return \%view;
}

# What differs, of a hash its members.
sub difference {
    my ($got, $want) = @_;

    return ref $got eq 'HASH' && ref $want eq 'HASH'
        ? join '', map { "$_: " . difference($got->{$_}, $want->{$_}) }
            grep { $JSON->encode([$got->{$_}])
                   ne $JSON->encode([$want->{$_}]) }
            sort keys %{{ %$got, %$want }}
        : $JSON->encode([$got]) . ', not ' . $JSON->encode([$want]) . "\n";
}

sub same {
    my ($got, $want, $name) = @_;

    my @differ = grep { $JSON->encode([$got->{$_}])
                        ne $JSON->encode([$want->{$_}]) } sort keys %{{ %$got, %$want }};

    ok !@differ, $name
        or diag difference($got, $want);

    return;
}


# Reports

my @TYPES = qw(certificate-expired starttls-not-supported validation-failure
               sts-webpki-invalid made-up);

sub pick { return $_[rand @_] }

sub detail {
    my ($n) = @_;

    return {
        'result-type' => pick(@TYPES),
        'sending-mta-ip' => '192.0.2.' . int rand 4,
        'receiving-mx-hostname' => pick('mx1', 'mx2') . ".$D",
        'failed-session-count' => 1 + int rand 5,
        $n > 20 ? ('failure-reason-code' => "code $_[1] " . 'x' x 60) : (),
    };
}

sub policy_of {
    my ($domain, $n) = @_;

    my @details = map { detail($n, $_) } 1 .. $n;
    my $failed = 0;
    $failed += $_->{'failed-session-count'} for @details;

    return {
        policy => { 'policy-type' => pick('sts', 'tlsa', 'no-policy-found'),
                    'policy-domain' => $domain },
        summary => { 'total-successful-session-count' => int rand 100,
                     'total-failure-session-count' => $failed + int rand 2 },
        @details ? ('failure-details' => \@details) : (),
    };
}

# On so many days ago, with so many details.
sub made {
    my ($id, $ago, $n) = @_;

    my @policies = map { policy_of($D, $n) } 1 .. 1 + rand 2;

    push @policies, policy_of('example.net', 1) if rand() < 0.2;

    return {
        report => report(day => date($ago), 'report-id' => $id,
                         'organization-name' => pick(map { "Sender $_" } 1 .. 4),
                         policies => \@policies),
        signer => rand() < 0.7 ? 'sender.example' : '-',
        received => $NOW - ($ago * $DAY) / 2 - int rand 1000,
    };
}

# Some have the id of another, some a long text.
sub many {
    my ($n, $oldest) = @_;

    my @made;

    for my $i (1 .. $n) {
        my $ago = int rand $oldest;

        push @made, made("id-$i", $ago,
                         rand() < 0.05 ? $SHORT : int rand 4);

        if (rand() < 0.15) {
            my $other = made("id-$i", $ago, 1);

            $other->{report}{'organization-name'}
                = $made[-1]{report}{'organization-name'};
            push @made, $other;
        }
    }

    return sort { $a->{received} <=> $b->{received} } @made;
}

sub count {
    for my $made (@_) {
        $store->sign($made->{signer});
        $store->now($made->{received});
        $store->ingest($made->{report}) >= 1 or die 'not counted';
    }

    $store->now($NOW);

    return;
}

# Of all that is listed, the ids, as the reports were counted.
sub ids_of {
    my (@made) = @_;

    my %ids;

    push @{ $ids{ $_->{'report-id'} . $_->{received} } }, $_->{id}
        for reverse @{ listed() };

    return map { shift @{ $ids{ $_->{report}{'report-id'}
                                . strftime('%Y-%m-%dT%H:%M:%SZ',
                                           gmtime $_->{received}) } } } @made;
}

$store->now($NOW);
$store->keep(400);


# As if they had never come

my $seed = $ENV{STRIKE_SEED} || 20261127;

srand $seed;

for my $round (1 .. $ENV{STRIKE_ROUNDS} || 6) {
    my @made = many(30, $round % 2 ? 5 : 95);
    my @struck = map { rand() < 0.4 } @made;
    my $close = sub { $round % 3 == 0 or $store->close($D) };

    $t->redis('FLUSHALL');
    count(@made);
    $close->();
    work_out_anew();
    my $all = view();
    my @ids = ids_of(@made);
    my @outcomes = map { $struck[$_] ? $store->strike($D, $ids[$_]) : () }
        0 .. $#made;

    is join('', @outcomes), $DONE x @outcomes, "round $round: they are struck";
    work_out();
    my $open = open_now();
    work_out_anew();
    my $left = view();

    my @again = map { $struck[$_] ? $store->ingest($made[$_]{report}) : () }
        0 .. $#made;
    is join('', @again), '0' x @again, 'and do not come again';

    my @twice = map { $struck[$_] ? $store->strike($D, $ids[$_]) : () }
        0 .. $#made;
    is join('', @twice), $UNKNOWN x @twice, 'a second time there is none';

    $close->();
    my @restored = map { $struck[$_] ? $store->restore($D, $ids[$_]) : () }
        reverse 0 .. $#made;
    is join('', @restored), $DONE x @restored, 'they are restored';
    work_out_anew();
    same(view(), $all, 'and all is as it was');

    $t->redis('FLUSHALL');
    count(map { $struck[$_] ? () : $made[$_] } 0 .. $#made);
    $close->();
    work_out();
    is_deeply $open, open_now(), 'the same is open';
    work_out_anew();
    same($left, view(), "without them it was as if they had never come ($seed)");
}



# A problem that was open by a forgery

my ($DOMAIN, $STATE, $ACTS, $EVENTS)
    = map { "t:{$D}$_" } '', ':problems', ':acts', ':events';

sub counted {
    my ($id, $ago, $failed, %more) = @_;

    my $report = report(day => date($ago), 'report-id' => $id, domain => $D,
                        'organization-name' => "Sender of $id", %more);
    my $policy = $report->{policies}[0];

    $policy->{summary}{'total-failure-session-count'} = $failed;
    $failed ? $policy->{'failure-details'}[0]{'failed-session-count'} = $failed
            : delete $policy->{'failure-details'};

    return { report => $report, signer => 'sender.example',
             received => $NOW - $ago * 3600 };
}

sub list_of { return [map { $JSON->decode($_) }
                      @{ $t->redis('LRANGE', $_[0], 0, -1) }] }
sub types   { return join ' ', map { $_->{type} } @{ list_of($_[0]) } }
sub problem_ids {
    return join ' ', map { $_->{id} // '-' }
        @{ $store->problems($D, $FROM, $TO)->{problems} };
}

# Honest ones and a forgery.
sub begin {
    $t->redis('FLUSHALL');
    count(counted('honest', 3, 0), counted('forged', 2, 900),
          counted('other', 1, 0));
    work_out();

    return id_of('forged');
}

my $forged = begin();
my $problem = problem_ids();

like $problem, qr/^[0-9a-f]{16}$/, 'a problem is open by it';
is $store->strike($D, $forged), $DONE, 'it is struck out';
is $t->redis('HGET', $DOMAIN, 'w'), '1s', 'which is noted';
work_out();
is problem_ids(), '', 'there is no problem any more';
is types($EVENTS), 'problem-withdrawn problem-opened', 'it is withdrawn';
is list_of($EVENTS)->[0]{'problem-id'}, $problem, 'that one';
is $t->redis('HGET', $DOMAIN, 'w'), undef, 'and nothing is noted any more';
is $t->redis('EXISTS', $STATE), 0, 'nor kept of it';

my ($act, @more) = @{ list_of($ACTS) };

like delete $act->{id}, qr/^[0-9a-f]{16}$/, 'the event of that has an id';
is_deeply [$act, @more], [{
    time => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $NOW),
    type => 'report-struck', domain => $D,
    title => "Report $forged was struck out", actor => 'operator',
}], 'who did what, and when';
is id_of('forged'), undef, 'no list shows it';
is id_of('forged', 'struck=yes'), $forged, 'unless it is asked';
is_deeply [map { $_->{struck} ? 1 : 0 } @{ listed('struck=yes') }], [0, 1, 0],
    'and marked there';
my $ttl = $t->redis('TTL', $ACTS);
ok $ttl > 390 * $DAY && $ttl <= 402 * $DAY, 'the event expires' or diag $ttl;

is $store->restore($D, $forged), $DONE, 'it is restored';
work_out();
is problem_ids(), $problem, 'so the problem is open again, with its id';
is $store->restore($D, $forged), $UNKNOWN, 'it is restored once';
like list_of($ACTS)->[0]{title}, qr/^Report \S+ counts again$/, 'that is told';
my %metrics = map { /^([^#]\S*) (\d+)$/ ? ($1 => $2 + 0) : () }
    @{ $store->metrics($D) };
my $of = "{policy_domain=\"$D\"";
is_deeply [@metrics{"tlsrpt_reports_total$of}",
                    "tlsrpt_struck_reports_total$of}",
                    "tlsrpt_sessions_total$of,outcome=\"failed\"}",
                    "tlsrpt_struck_sessions_total$of,outcome=\"failed\"}"}],
    [4, 1, 1800, 900], 'what counts again is counted once more';


# What there is not

begin();
is $store->strike($D, $_), $UNKNOWN, "no report: $_"
    for 'x', '20260101-0-00000000', $forged =~ s/.$/g/r,
        $forged =~ s/-\d+-/-77-/r, $forged =~ s/(.)$/$1 eq '0' ? 1 : 0/er;
is $store->strike('example.net', $forged), $UNKNOWN, 'nor of another domain';

$t->redis('DEL', "t:{$D}:" . date(2) . ':kept');
is $store->strike($D, $forged), $GONE, 'without its original it stays';
is types($ACTS), '', 'and nobody did anything';

$t->redis('FLUSHALL');
count(made('long', 2, $SHORT));
my $long = id_of('long');
$t->redis('DEL', grep { /:[0-9a-f]{16}$/ } @{ $t->redis('KEYS', '*') });
is $store->strike($D, $long), $GONE, 'nor without the text of a long one';


# Once, and whole

$forged = begin();
is $store->strike($D, $forged, twice => 1), $DONE, 'each command is sent twice';
is types($ACTS), 'report-struck', 'it is struck out once';
is $store->overview($D, $FROM, $TO)->{reports}, 2, 'one less counts';

my $steps = 0;

for (my $n = 0; ; $n++) {
    $forged = begin();
    $store->line('strike', $D, $forged);

    my $step;
    for (1 .. $n) {
        $step = $store->strike_step;
        last if $step =~ /^done/;
    }

    my $was = types($ACTS);
    my $reports = $store->overview($D, $FROM, $TO)->{reports};

    is $reports, $was ? 2 : 3, "after $n commands: all of it, or nothing";
    ok !$was || $t->redis('ZSCORE', 't:due', $D), 'and then it is due';
    ok !$was || $t->redis('ZSCORE', 't:events', $D), 'and in the index';
    is $store->strike($D, $forged), $was ? $UNKNOWN : $DONE, 'who comes next';

    $steps++ if $was;
    last if $step && $step =~ /^done/;
}

cmp_ok $steps, '>', 0, 'it was done in the end';


# What comes in between

sub between {
    my ($name, $do) = @_;

    $forged = begin();
    $store->line('strike', $D, $forged);
    1 while $store->strike_step !~ /^EVALSHA t:due/;
    $do->();
    like $store->line('strike-all'), qr/^done $DONE$/, $name;

    return;
}

between('another report of the day', sub { count(counted('late', 2, 1)) });
is $store->overview($D, $FROM, $TO)->{'total-failure-session-count'}, 1,
    'which counts';
between('one with its id', sub {
    count({ %{ counted('forged', 2, 7) } });
});
is_deeply [map { @$_{qw(report-id total-failure-session-count)} }
           @{ listed() }], ['other', 0, 'forged', 7, 'honest', 0],
    'of which the other stays';
ok !grep({ $_->{'conflicts-with'} } @{ listed() }), 'in conflict with nothing';
between('it is worked out', \&work_out);
work_out();
is problem_ids(), '', 'and withdrawn then';

$forged = begin();
$store->line('strike', $D, $forged);
1 while $store->strike_step !~ /^EVALSHA t:due/;
$t->redis('HSET', "t:{$D}:" . date(2) =~ s/-\d+$/:closed/r, 'h', 'x');
like $store->line('strike-all'), qr/^done $GONE$/,
    'a month that a later version has closed is left alone';
is types($ACTS), '', 'nothing is written';


# A day log that is full, or was packed otherwise

$forged = begin();
my $log = "t:{$D}:" . date(2);
my $bytes = $t->redis('GET', $log);
$t->redis('SET', $log, "\0");        # nothing that can be read
my $month = "t:{$D}:" . date(2) =~ s/-\d+$//r;
my $day = (split /-/, date(2))[2] + 0;
my $totals = $t->redis('HGET', $month, $day);
$t->redis('HSET', $month, $day, $totals . pack 'vvvC', 900, 0, 0, 0);
my $before = $store->stats($D, $FROM, $TO, 'by=result-type');
is_deeply $before->{groups}, [{ 'result-type' => '(overflow)',
                                'failed-session-count' => 900 }],
    'a report that the log did not take';
is $store->strike($D, $forged), $DONE, 'is struck out of the totals';
is_deeply $store->stats($D, $FROM, $TO, 'by=result-type')->{groups}, [],
    'and of the overflow';
is $store->restore($D, $forged), $DONE, 'restored';
is_deeply $store->stats($D, $FROM, $TO, 'by=result-type'), $before,
    'it is there again';

$forged = begin();
$bytes = $t->redis('GET', $log);
(my $otherwise = $bytes) =~ s/mx\./my./;
$t->redis('SET', $log, $otherwise);
is $store->strike($D, $forged), $DONE, 'one that was packed otherwise';
is_deeply $store->stats($D, $FROM, $TO, 'by=result-type')->{groups}, [],
    'is found by its sender and sessions';
is $store->restore($D, $forged), $DONE, 'and found again';
is $t->redis('GET', $log), $otherwise, 'as it was';

done_testing;
