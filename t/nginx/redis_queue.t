#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The queue of the Redis client: commands leave together, a full queue is a
# 503, a report of many domains is fed in as there is room; and requests that
# end before Redis answers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Select;
use Time::HiRes qw(sleep time);
use TLSRPT::Test;

my $domains = join '', map { "    tlsrpt_domain d$_.example.com;\n" } 1 .. 12;

my $t = servers(redis => 1, http => <<'END' . $domains, server => <<'END');
    client_max_body_size 0;
    tlsrpt_redis %%REDIS%%;
    tlsrpt_redis_timeout 20s;
    tlsrpt_domain example.com;
END
        access_log %%DIR%%/access.log;
        location /v1/tlsrpt { tlsrpt_collect; }
END

my $n = 0;

sub pause_redis  { kill 'STOP', $t->{redis_pid} or die "kill: $!"; return }
sub resume_redis { kill 'CONT', $t->{redis_pid} or die "kill: $!"; return }

sub fresh { return encode_json(report('report-id' => 'queue-' . ++$n, @_)) }

# Five bytes of six are left of it, whoever compresses it.
my $noise = join '', map { ('a' .. 'z', 'A' .. 'Z', 0 .. 9, '+', '-')[rand 64] }
    1 .. 1_300_000;

sub large {
    return fresh(x => [map { substr $noise, rand 1_200_000, 10_000 } 1 .. 720]);
}

# A request whose answer is read later.
sub ask {
    my ($body) = @_;

    my $socket = $t->connection;
    print $socket "POST /v1/tlsrpt HTTP/1.1\r\nHost: localhost\r\n"
        . "Connection: close\r\nContent-Length: " . length($body)
        . "\r\n\r\n$body";
    $socket->flush;

    return $socket;
}

sub answer { return TLSRPT::Server::read_answer($_[0]) }

sub ready { return scalar IO::Select->new($_[0])->can_read($_[1]) }

is $t->post('/v1/tlsrpt', fresh())->{status}, 201, 'the first';


# All at once

pause_redis();
my @sockets = map { ask(fresh()) } 1 .. 200;
ok !ready($sockets[0], 0.2), 'nobody is answered while Redis stands still';
resume_redis();
is_deeply [grep { $_ != 201 } map { answer($_)->{status} } @sockets], [],
    '200 at once: all stored';
my $clients = () = $t->redis('CLIENT', 'LIST') =~ /^id=/mg;
is $clients, 2, 'by one connection';


# Full: 32 MB at most, of reports of 5 MB

pause_redis();
@sockets = map { ask(large()) } 1 .. 9;
TLSRPT::Server::wait_until(10, sub { ready($sockets[-1], 0) });
my @full = grep { ready($_, 0) } @sockets;
cmp_ok scalar @full, '>=', 3, 'full: some are sent away at once';
cmp_ok scalar @full, '<=', 5, 'full: not all of them';
for my $socket (@full) {
    my $answer = answer($socket);
    is $answer->{status}, 503, 'full: 503';
    like $answer->{headers}{'retry-after'}, qr/^\d+$/, 'full: Retry-After';
    is $answer->{json}{detail}, 'too much waits for Redis', 'full: why';
}
like $t->error_log, qr/too much waits for Redis \S+: \d+ commands, \d+ bytes/,
    'full: the log says so';
resume_redis();
for my $socket (@sockets) {
    next if grep { $_ == $socket } @full;
    is answer($socket)->{status}, 201, 'the others are stored';
}


# More than the queue takes, in one report: 12 domains of 5 MB each

my @policies = map { @{ report(domain => "d$_.example.com")->{policies} } }
    1 .. 12;
my $body = fresh(policies => \@policies, x => [('x' x 10_000) x 500]);
my $answer = $t->post('/v1/tlsrpt', $body);
is $answer->{status}, 201, '12 domains, 60 MB for Redis: stored';
is scalar @{ $answer->{json}{'policy-domains'} }, 12, 'all of them';
is scalar @{ $t->redis('ZRANGE', 'tlsrpt:domains', 0, -1) }, 13, 'indexed';
is $t->post('/v1/tlsrpt', $body)->{status}, 200, 'and again: a duplicate';


# Clients that go

pause_redis();
my @bodies = map { fresh() } 1 .. 20;
my @gone = map { ask($_) } @bodies;
sleep 0.1;
close $_ for @gone;
ok TLSRPT::Server::wait_until(5, sub {
    return (() = $t->read_file('access.log') =~ / 499 /g) == 20;
}), 'clients that go are noticed';
my $stays = ask(fresh());
resume_redis();
is answer($stays)->{status}, 201, 'those that stay are answered';
is_deeply [grep { $_ != 200 } map { $t->post('/v1/tlsrpt', $_)->{status} }
           @bodies], [], 'the reports of those that went are counted';

done_testing;
