# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Two rspamd hosts on one Redis work out problems and tell of them.  The one
# that does is killed by SIGKILL, again and again: anywhere on the way from the
# report to the webhook, or in the middle of a delivery.  In the end each problem
# was opened once and told, and what came twice has the same id.
#
#     ROUNDS=50 SEED=7 prove -It/lib t/soak/alerts.t

use strict;
use warnings;

use List::Util qw(min);
use Time::HiRes qw(sleep);
use TLSRPT::Mail;
use TLSRPT::Rspamd;
use TLSRPT::Sink;
use TLSRPT::Test;

my $ROUNDS = min($ENV{ROUNDS} || 4, 50);
my $SEED = $ENV{SEED} || int(time) % 1_000_000;

srand $SEED;
diag "seed $SEED, $ROUNDS rounds";

my $server = servers(nginx => 0, redis => 0, moves => 1);
$server->start_redis;
my $sink = TLSRPT::Sink->new(server => $server)->start;
my @domains = map { "d$_.example.com" } 1 .. $ROUNDS;
my $listed = join ', ', map { qq("$_") } @domains;
my $moved = 0;

sub host {
    my ($name) = @_;

    return TLSRPT::Rspamd->new(
        server => $server, name => $name, controller => '', milter => 0,
        signers => ['sender.example'],
        tlsrpt => "domains = [$listed]; timeout = 2; alerts {"
            . " webhook \"ops\" { url = \"${\ $sink->url }\"; } }")->start;
}

sub seconds {
    my ($n) = @_;

    $server->move_clock($moved += $n);

    return;
}

my %host = (a => host('a'), b => host('b'));
ok TLSRPT::Server::wait_until(10, sub {
    return grep { $_->took_lease } values %host;
}), 'one delivers';

# The host that holds the lease.
sub holder {
    return (sort { $host{$b}->took_lease cmp $host{$a}->took_lease }
            keys %host)[0];
}

sub told {
    my ($domain) = @_;

    return grep { decode_json($_->{body})->{event}{domain} eq $domain }
        $sink->requests;
}

# One that another host was sending, too, is tried again after half a minute.
sub is_told {
    my ($domain) = @_;

    return TLSRPT::Server::wait_until(150, sub {
        return grep { $_->{status} eq 200 } told($domain);
    });
}

# Opened, and held for others as alerts do.  Who lost the lease may have had the
# domain, which then is due again after a minute.
sub is_held {
    for (1 .. 4) {
        return 1 if TLSRPT::Server::wait_until(13, sub {
            return $server->redis('HLEN', 'tlsrpt:{outbox}:held');
        });
        seconds(61);
    }

    return 0;
}

# A report whose problem is opened at once; it is due at once, too.
sub reported {
    my ($host, $domain) = @_;

    my $report = report(domain => $domain);
    my $policy = $report->{policies}[0];

    $policy->{summary} = { 'total-successful-session-count' => 40,
                           'total-failure-session-count' => 60 };
    $policy->{'failure-details'}[0]{'failed-session-count'} = 60;
    ok $host{$host}->scan(signed(report_mail($report), 'sender.example'))
        ->{symbols}{TLSRPT_REPORT}, "$domain: a report";
    seconds(6);

    return;
}

sub kill_holder {
    my $dead = holder();

    $host{$dead}->kill_all;
    # its lease is over, and what it held
    seconds(61);

    return $dead;
}

my $cut = 0;

for my $round (1 .. $ROUNDS) {
    my $domain = $domains[$round - 1];

    reported((keys %host)[0], $domain);

    my $dead;

    if ($round % 2) {
        sleep rand 7;
        $dead = kill_holder();
        is_held();
        seconds(660);
    } else {
        $sink->answer(0);
        is_held();
        seconds(660);
        $cut++ if TLSRPT::Server::wait_until(20, sub { told($domain) });
        $dead = kill_holder();
        $sink->answer(200);
    }

    ok is_told($domain), "$domain: told" or last;
    $host{$dead} = host($dead);
    seconds(3600);                      # another hour's twenty
}

my (%id, %times);

for my $domain (@domains) {
    my @events = map { decode_json($_) } @{ $server->redis('LRANGE',
        "tlsrpt:{$domain}:events", 0, -1) };
    is join(' ', map { $_->{type} } @events), 'problem-opened',
        "$domain: opened once";
    $id{ $events[0]{id} } = $domain if @events;
    is $server->redis('EXISTS', "tlsrpt:{$domain}:untold"), 0,
        'and nothing is left to tell';
}

$times{ $_->{headers}{'webhook-id'} }++ for $sink->requests;
is_deeply [sort keys %times], [sort keys %id], 'each was told, and no other';
my $twice = grep { $_ > 1 } values %times;
cmp_ok $twice, '<=', $ROUNDS, "twice, with the same id: $twice, of $cut cut in"
    . ' the middle';
is $_->stop, '', 'nothing bad in the log' for values %host;

done_testing;
