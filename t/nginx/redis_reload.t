#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Reloads and the end of nginx: what was begun is finished, no connection is
# left, and no report is lost or counted twice.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use POSIX ();
use Time::HiRes qw(sleep time);
use TLSRPT::Test;

my %conf = (redis => 1, workers => 2, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_redis_timeout 5s;
    tlsrpt_domain example.com;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt { tlsrpt_stats; }
END

my $t = servers(%conf);
my $n = 0;

sub fresh { return encode_json(report('report-id' => "$$-" . ++$n, @_)) }

sub ask {
    my ($body) = @_;

    my $socket = $t->connection;
    print $socket "POST /v1/tlsrpt HTTP/1.1\r\nHost: localhost\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    $socket->flush;

    return $socket;
}

# A client that posts until it is told to stop; how many were stored, and what
# else came.
sub client {
    my ($name, $end) = @_;

    my $pid = fork();
    die "fork: $!" unless defined $pid;
    return $pid if $pid;

    my ($stored, @other) = (0);
    while (time < $end) {
        my $answer = eval { $t->post('/v1/tlsrpt', fresh()) };
        my $status = $answer ? $answer->{status} : "none: $@";
        $status eq '201' ? $stored++ : push @other, $status;
    }
    $t->write_file($name, "$stored @other\n");
    POSIX::_exit(0);
}

# Under load

my $end = time + 3;
my @pids = map { client("client-$_", $end) } 1 .. 4;
my $reloads = 0;
while (time < $end) {
    $t->reload;
    $reloads++;
    sleep 0.2;
}
waitpid $_, 0 for @pids;

my ($stored, $other) = (0, '');
for my $i (1 .. 4) {
    my ($count, $rest) = $t->read_file("client-$i") =~ /^(\d+) (.*)$/;
    $stored += $count;
    $other .= $rest;
}
note "$reloads reloads, $stored reports";
cmp_ok $reloads, '>', 1, 'reloads under load';
cmp_ok $stored, '>', 100, 'reports meanwhile';
is $other, '', 'every one of them stored';
my $day = day(-1);
is $t->get("/tlsrpt/domains/example.com?from=$day&to=$day")->{json}{reports},
    $stored, 'and counted once';

# The old workers end, and leave no connection.
ok TLSRPT::Server::wait_until(10, sub {
    return (() = $t->redis('CLIENT', 'LIST') =~ /^id=/mg) <= 3;
}), 'connections of old workers are closed';
finish($t);


# The end, with requests in flight

for my $signal (qw(QUIT TERM)) {
    $t = servers(%conf, workers => 1);
    $t->post('/v1/tlsrpt', fresh());

    kill 'STOP', $t->{redis_pid} or die "kill: $!";
    my @bodies = map { fresh() } 1 .. 20;
    my @sockets = map { ask($_) } @bodies;
    sleep 0.2;

    kill $signal, $t->nginx_pid or die "kill: $!";
    sleep 0.2;
    kill 'CONT', $t->{redis_pid} or die "kill: $!";

    if ($signal eq 'QUIT') {
        is_deeply [grep { $_ != 201 } map {
            (TLSRPT::Server::read_answer($_) || {})->{status} || 0
        } @sockets], [], 'QUIT: requests in flight are answered';
    }

    ok TLSRPT::Server::wait_until(10, sub {
        return (() = $t->redis('CLIENT', 'LIST') =~ /^id=/mg) == 1;
    }), "$signal: no connection is left";
    my $bad = $t->stop_nginx;
    is $bad, '', "$signal: nothing bad in the error log";
}

# The end, with a client that went and its report still to be answered.
$t = servers(%conf, workers => 1);
$t->post('/v1/tlsrpt', fresh());
kill 'STOP', $t->{redis_pid} or die "kill: $!";
my $body = fresh();
my $socket = ask($body);
sleep 0.2;
close $socket;
kill 'QUIT', $t->nginx_pid or die "kill: $!";
sleep 0.2;
kill 'CONT', $t->{redis_pid} or die "kill: $!";
is $t->stop_nginx, '', 'QUIT: nothing bad in the error log';
$t->start_nginx;
is $t->post('/v1/tlsrpt', $body)->{status}, 200,
    'QUIT: the report of a client that went is counted';

# The end while Redis is away: killed, so that its socket stays and refuses.
kill 'STOP', $t->{redis_pid} or die "kill: $!";
my @sockets = map { ask(fresh()) } 1 .. 5;
sleep 0.1;
TLSRPT::Server::end_process(delete $t->{redis_pid}, 'KILL');
is $t->stop_nginx, '', 'QUIT, Redis away: nothing bad in the error log';

done_testing;
