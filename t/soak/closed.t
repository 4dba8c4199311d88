# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Months are packed by nginx's workers and by another host while reports come,
# late ones and ones that were before, everybody reads, and Redis (with its
# append-only file synced always), workers and the other host are killed by
# SIGKILL, again and again.  Each answer meanwhile is within what was confirmed
# and what was sent; in the end all is as reckoned apart from it.
#
#     ROUNDS=300 SEED=7 prove -It/lib t/soak/closed.t

use strict;
use warnings;

use POSIX ();
use Time::HiRes qw(sleep time);
use TLSRPT::Made;
use TLSRPT::Store;
use TLSRPT::Test;

my $ROUNDS = $ENV{ROUNDS} || 8;
my $SEED = $ENV{SEED} || int(time) % 1_000_000;
my $BATCH = 24;                 # reports of a sender and round
my $PATIENCE = 60;              # seconds, for one report

diag "seed $SEED, $ROUNDS rounds";

my @DOMAINS = ('example.com', 'example.net', 'mail.example.org');
my @REDIS = ('--appendonly', 'yes', '--appendfsync', 'always');

my $t = TLSRPT::Server->new(workers => 2, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%% prefix=t;
    tlsrpt_redis_timeout 2s;
    tlsrpt_domain example.com;
    tlsrpt_domain example.net;
    tlsrpt_domain mail.example.org;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END
$t->start_redis(@REDIS);
$t->start_nginx;

my $made = { map {
    $DOMAINS[$_] => TLSRPT::Made->new(seed => $SEED + $_,
                                      domain => $DOMAINS[$_], reports => 6)
} 0 .. $#DOMAINS };
my $dice = $made->{ $DOMAINS[0] };

# Days of two months that are over, and the last ones.
my @DAYS = map { day(-$_) } 1 .. 4, 75 .. 79, 100 .. 106;
my $FROM = day(-120);
my %PAST = map { substr($_, 0, 7) => 1 } @DAYS[4 .. $#DAYS];

sub fresh_report {
    my $domain = $DOMAINS[$dice->pick(scalar @DOMAINS)];
    my @reports = $made->{$domain}->day($DAYS[$dice->pick(scalar @DAYS)]);

    return @reports ? $reports[$dice->pick(scalar @reports)] : fresh_report();
}


# What is done at the same time, each by a process of its own; what is wrong is
# written to a file

my $WRONG = $t->dir . '/wrong';

sub wrong {
    my ($what) = @_;

    open my $fh, '>>', $WRONG or POSIX::_exit(1);
    print $fh "$what\n";
    close $fh;

    return;
}

sub process {
    my ($code) = @_;

    my $pid = fork();
    die "fork: $!" if !defined $pid;
    return $pid if $pid;

    delete $t->{redis};
    $SIG{$_} = 'DEFAULT' for qw(INT TERM);
    eval { $code->(); 1 } or wrong("a process: $@");
    POSIX::_exit(0);
}

# By POST, again until it is told: one that was before must be known.
sub sender {
    my (@reports) = @_;

    for my $each (@reports) {
        my ($report, $before) = @$each;
        my $end = time + $PATIENCE;
        my $body = encode_json($report);

        for (;;) {
            my $status = eval { $t->post('/v1/tlsrpt', $body,
                                         timeout => 10)->{status} } || 0;

            wrong("counted again: $report->{'report-id'}")
                if $before && $status == 201;
            last if $status == 200 || $status == 201;
            wrong("status $status") if $status && $status != 503;
            wrong("never taken: $report->{'report-id'}"), last if time > $end;
            sleep 0.02;
        }
    }

    return;
}

# Another host: counts by itself, closes months, and is killed within.
sub other_host {
    my (@reports) = @_;

    my $store;
    my $end = time + $PATIENCE;

    open STDERR, '>', '/dev/null';      # that Redis is away

    while (@reports && time < $end) {
        eval {
            $store ||= TLSRPT::Store->new($t);
            $store->now(int time);
            my ($report, $before) = @{ $reports[0] };
            my $answer = $store->ingest($report);
            die $answer if $answer !~ /^[0-3]$/;
            wrong("counted again: $report->{'report-id'}")
                if $before && $answer != 0;
            shift @reports;

            my $domain = $DOMAINS[int rand @DOMAINS];
            if (rand() < 0.3) {
                $store->close($domain);
            } elsif (rand() < 0.15) {
                $store->begin_close($domain);
                my $in = $store->{in};
                print $in "all\n";
                $in->flush;
                sleep rand 0.004;
                kill 'KILL', $store->{pid};
                undef $store;
            }
            1;
        } or do {
            undef $store;
            sleep 0.02;
        };
    }

    wrong('the other host got ' . @reports . ' not through') if @reports;

    return;
}

# Every answer is within what was confirmed before and what was sent.
sub viewer {
    my ($least, $most, $until) = @_;

    my @by = ('day', 'organization-name', 'day,organization-name', 'via');

    while (time < $until) {
        my $domain = $DOMAINS[int rand @DOMAINS];
        my $by = $by[int rand @by];
        my $answer = eval {
            $t->get("/tlsrpt/domains/$domain?from=$FROM&by=$by", timeout => 10)
        } or next;
        my $json = $answer->{json};

        eval { $t->get('/tlsrpt/metrics', timeout => 10) } if rand() < 0.2;
        next if $answer->{status} == 503 || $answer->{status} == 404;

        my $sum = 0;
        $sum += $_->{reports} for @{ $json->{groups} || [] };

        wrong("$domain by $by: $json->{reports} reports, $sum in groups")
            if $sum != $json->{reports};
        wrong("$domain by $by: $json->{reports} reports, not within"
              . " $least->{$domain} and $most->{$domain}")
            if $json->{reports} < $least->{$domain}
            || $json->{reports} > $most->{$domain};

        my $line = eval {
            $t->get("/tlsrpt/domains?from=$FROM&name=$domain", timeout => 10)
                ->{json}{domains}[0]
        } or next;
        wrong("$domain in the list: $line->{reports} reports, not within"
              . " $least->{$domain} and $most->{$domain}")
            if $line->{reports} < $least->{$domain}
            || $line->{reports} > $most->{$domain};
    }

    return;
}


# Rounds

my %sums = map { $_ => {} } @DOMAINS;
my %done = map { $_ => 0 } @DOMAINS;
my (@sent, %killed);

sub kill_something {
    my $which = $dice->pick(3);

    if ($which == 0) {
        my @workers = $t->workers or return;
        kill 'KILL', $workers[$dice->pick(scalar @workers)];
        $killed{worker}++;
    } else {
        my $pid = delete $t->{redis_pid};
        delete $t->{redis};
        kill 'KILL', $pid;
        TLSRPT::Server::reap($pid, 10);
        unlink $t->redis_socket;
        sleep $dice->pick(100) / 1000;
        $t->start_redis(@REDIS);
        $killed{Redis}++;
    }

    return;
}

# What was added to closed months joins them in this round.
sub make_due {
    for my $domain (@DOMAINS) {
        my %fields = @{ $t->redis('HGETALL', "t:{$domain}") };
        $t->redis('HSET', "t:{$domain}", $_, 1) for grep { /^o:/ } keys %fields;
    }

    return;
}

for my $round (1 .. $ROUNDS) {
    my @batches = map { [map { [fresh_report(), 0] } 1 .. $BATCH] } 1 .. 3;
    my %most = %done;

    for my $each (map { @$_ } @batches) {
        my $domain = $each->[0]{policies}[0]{policy}{'policy-domain'};
        $most{$domain}++;
        TLSRPT::Made::reckon($sums{$domain}, $each->[0]);
    }
    if (@sent) {
        push @$_, map { [$sent[$dice->pick(scalar @sent)], 1] } 1 .. 8
            for @batches;
    }

    make_due();
    srand $SEED + $round;
    my @processes = map {
        my $n = $_;
        process(sub {
            srand $SEED * 7 + $round * 11 + $n;
            $n < 2 ? sender(@{ $batches[$n] })
                : $n == 2 ? other_host(@{ $batches[2] })
                : viewer(\%done, \%most, time + 0.25);
        });
    } 0 .. 4;

    sleep $dice->pick(150) / 1000;
    kill_something();
    for my $pid (@processes) { waitpid $pid, 0 }

    push @sent, map { $_->[1] ? () : $_->[0] } map { @$_ } @batches;
    %done = %most;
}


# The end

# Once more, and nothing is killed.
for (1 .. 3) {
    make_due();
    my $store = TLSRPT::Store->new($t);
    $store->now(int time);
    $store->close($_) for @DOMAINS;
}

my $table = '';
for my $domain (@DOMAINS) {
    my $get = sub { return $t->get("/tlsrpt/domains/$domain?from=$FROM&by=$_[0]")
                        ->{json} };
    my $sums = $sums{$domain};
    my $days = $get->('day');

    is_deeply TLSRPT::Made::groups($days, 'day'), $sums->{days},
        "$domain by day";
    is_deeply TLSRPT::Made::groups($get->('organization-name'),
        'organization-name'), $sums->{senders}, "$domain by sender";
    is_deeply TLSRPT::Made::groups($get->('result-type'), 'result-type'),
        $sums->{types} || {}, "$domain by result type";
    is_deeply [@$days{qw(reports total-successful-session-count
                         total-failure-session-count)}],
        $sums->{all}, "$domain in all";

    my @open = grep { my $month = /:(\d{4}-\d\d)/ ? $1 : ''; $PAST{$month} }
        grep { !/:closed$|:kept$|:[0-9a-f]{16}$/ }
        @{ $t->redis('KEYS', "t:{$domain}:*") };
    is_deeply \@open, [], "$domain: all months are closed";
    my @closed = @{ $t->redis('KEYS', "t:{$domain}:*:closed") };
    ok @closed >= keys %PAST, "$domain: there are closed ones";
    is scalar(grep { $t->redis('TTL', $_) < 0 }
              @{ $t->redis('KEYS', "t:{$domain}*") }), 0,
        "$domain: all expires";
    $table .= sprintf "%-18s %6d reports %8d sessions, %d failed; %d bytes"
        . " in %d closed months\n", $domain, $sums->{all}[0],
        $sums->{all}[1] + $sums->{all}[2], $sums->{all}[2],
        eval { my $n = 0; $n += $t->redis('MEMORY', 'USAGE', $_) for @closed;
               $n }, scalar @closed;
}

my $again = grep {
    $t->post('/v1/tlsrpt', encode_json($_))->{status} != 200
} @sent;
is $again, 0, 'each of ' . @sent . ' reports is known when it comes again';

my $problems = $t->read_file('wrong');
is $problems, '', 'nothing was wrong meanwhile';
cmp_ok scalar(map { $_ } keys %killed), '>', 0, 'something was killed';

unlike $t->error_log . $t->read_file('nginx.out'),
    qr/Sanitizer|runtime error:|\[emerg\]|exited on signal (?!9\b)/,
    'nothing else bad in the error log';
$t->stop_nginx;
$t->stop_redis;

diag "seed $SEED, $ROUNDS rounds; killed: ",
    join(', ', map { "$_ $killed{$_} times" } sort keys %killed), "\n$table";

done_testing;
