# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Two rspamd hosts on one Redis: one of them delivers.  Where it is killed in
# the middle, the other goes on: nothing is missing, and what comes twice has
# the same id.

use TLSRPT::Test;
use TLSRPT::Alerts;
use TLSRPT::Rspamd;
use TLSRPT::Sink;

my $ROUNDS = $ENV{TLSRPT_KILLS} || 4;
my $server = servers(nginx => 0, redis => 0, moves => 1);
$server->start_redis;
my $sink = TLSRPT::Sink->new(server => $server)->start;
my $moved = 0;

sub host {
    my ($name, $more) = @_;

    return TLSRPT::Rspamd->new(
        server => $server, name => $name, controller => '', milter => 0,
        tlsrpt => 'domains = ["example.com"]; timeout = 2; alerts {'
            . " webhook \"ops\" { url = \"${\ $sink->url }\"; } "
            . ($more || '') . ' }')->start;
}

my %host = (a => host('a'), b => host('b'));

sub delivers {
    my ($name) = @_;

    return scalar(() = $host{$name}->log =~ /this worker delivers/g);
}

ok TLSRPT::Server::wait_until(10, sub { delivers('a') + delivers('b') }),
    'one delivers';
sleep 3;
is delivers('a') + delivers('b'), 1, 'the others do not';

my @wanted;

for my $round (1 .. $ROUNDS) {
    for (1 .. 3) {
        my $problem = problem('example.com');
        my $event = event('problem-worsened', 'example.com', $problem);
        push @wanted, $event->{id};
        push_item($server, $event, $problem);
    }

    # some way into it
    my $before = @wanted - 3 + $round % 3;
    TLSRPT::Server::wait_until(5, sub { (() = $sink->requests) >= $before });
    select undef, undef, undef, 0.05 * ($round % 7);

    my ($dead) = sort { $host{$b}->took_lease cmp $host{$a}->took_lease }
        keys %host;
    $host{$dead}->kill_all;
    # its lease is over
    $server->move_clock($moved += 11);
    my $sent = TLSRPT::Server::wait_until(20, sub {
        my %got = map { $_->{headers}{'webhook-id'} => 1 } $sink->requests;
        return !grep { !$got{$_} } @wanted;
    });
    ok $sent, "round $round: all arrived" or last;
    $host{$dead} = host($dead);
    $server->move_clock($moved += 3600);        # another hour's twenty
}

my %times;
$times{ $_->{headers}{'webhook-id'} }++ for $sink->requests;
is scalar(keys %times), @wanted, 'nothing else arrived';
my $twice = grep { $_ > 1 } values %times;
cmp_ok $twice, '<=', $ROUNDS, "twice, with the same id: at most one a kill"
    . " ($twice of " . @wanted . ')';
my %seen;
is_deeply [grep { !$seen{$_}++ }
           map { $_->{headers}{'webhook-id'} } $sink->requests], \@wanted,
    'in order';

# Hosts that differ

$host{c} = host('c', 'severity = "high";');
ok $host{c}->logged(qr/another rspamd delivers alerts, and its section alerts/
    ), 'a host with another configuration says so';
is $_->stop, '', 'nothing bad in the log' for values %host;

# Redis away, and back

my $host = host('d');
ok $host->logged(qr/this worker delivers/), 'it ended: the lease is free';
$server->stop_redis;
ok $host->logged(qr/tlsrpt: alerts: .*Redis/), 'Redis is away: told';
my (%told, %workers);

sub told {
    my $log = $host->log;

    (%told, %workers) = ();
    while ($log =~ /^.*?#(\d+)\(.*tlsrpt: alerts: (delivery: .*)/mg) {
        $told{"$1 $2"}++;
        $workers{$1} = 1;
    }

    return scalar keys %workers;
}

ok TLSRPT::Server::wait_until(20, sub { told() == 2 }), 'by each worker';
select undef, undef, undef, 3;
is told(), 2, 'by no other';
is_deeply [grep { $told{$_} > 1 } keys %told], [], 'each reason once';
$server->start_redis;
my $problem = problem('example.com');
my $before = () = $sink->requests;
push_item($server, event('problem-worsened', 'example.com', $problem),
          $problem);
ok $sink->wait_requests($before + 1), 'it is back: alerts go on';
is $host->stop, '', 'nothing bad in the log';

done_testing;
